package org.cooper4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What cannot be trained from is said once, in the words of its user. */
class RefusalsTest {
  private static Dataset<Row> frame;

  @BeforeAll
  static void makeFrame() {
    frame = Income.frame(Session.get());
  }

  private static void assertRefused(SparkTrainer trainer, Dataset<Row> rows, String... parts) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> trainer.fit(rows))
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "job | 'job' is of the type string; | StringIndexer",
        "to_date('2020-01-01') | 'x' is of the type date; | cast it",
        "array(array(1.0)) | 'x' is of the type array<array<decimal(2,1)>>; | flatten it",
        "array('a') | 'x' is of the type array<string>; | numbers",
        "map('a', 1) | 'x' is of the type map<string,int>; | numbers",
        "named_struct('a', 1) | 'x' is of the type struct<a:int>; | numbers",
        "if(id = 50, null, age) | column 'x' has a null; | worker",
        "if(id = 50, null, features) | column 'x' has a null; | na().drop()",
        "if(id = 50, array(1, null), array(1, 2)) | column 'x' has a null; | Imputer",
        "if(id = 50, array(1), array(1, 2)) | numbers in one row | all rows need as many",
        "if(hash(id) > 0, array(1), array(1, 2)) | numbers | in",
      })
  void columnsThatAreNoNumbers(String expression, String what, String advice) {
    Dataset<Row> rows = frame.selectExpr("*", expression + " as x");
    SparkTrainer trainer = Income.spark(Income::trainer, 2);
    String name = expression.equals("job") ? "job" : "x";
    assertRefused(trainer.setInputCols("age", name), rows, what, advice);
    assertRefused(
        Income.spark(Income::trainer, 2).setTargetCols("income", name), rows, what, advice);
  }

  @Test
  void columnsThatAreNotThere() {
    assertRefused(
        Income.spark(Income::trainer, 1).setInputCols("Age", "sex"),
        frame,
        "no column 'Age'",
        "[id, features, age");
    assertRefused(
        Income.spark(Income::trainer, 1).setIdCol("key"), frame, "no column 'key'", "[id,");
    assertRefused(new SparkTrainer(Income::trainer), frame, "call setInputCols");
  }

  @Test
  void columnsWithDotsInTheirNamesAreRead() {
    Dataset<Row> rows = frame.withColumnRenamed("age", "a.g`e");
    assertThat(Income.spark(Income::trainer, 1).setInputCols("a.g`e").fit(rows).integer("epoch"))
        .isEqualTo(3);
  }

  @Test
  void noRows() {
    assertRefused(Income.spark(Income::trainer, 2), frame.filter("age > 99"), "has no rows");
  }

  @Test
  void anIdThatIsOfTwoRows() {
    assertRefused(
        Income.spark(Income::trainer, 2).setIdCol("age"),
        frame,
        "two rows have the same value, or none, in the column 'age'");
  }

  @Test
  void numbersThatAreTooSmall() {
    SparkTrainer trainer = new SparkTrainer(Income::trainer);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> trainer.setNumWorkers(0))
        .withMessage("0 workers: expected at least 1");
    assertThatIllegalArgumentException().isThrownBy(() -> trainer.setBatchSize(0));
    assertThatIllegalArgumentException().isThrownBy(() -> trainer.setEpochs(0));
    assertThatIllegalArgumentException().isThrownBy(() -> trainer.setCheckpointInterval(0));
    assertThatIllegalArgumentException().isThrownBy(() -> trainer.setTimeout(Duration.ZERO));
    assertThatIllegalArgumentException().isThrownBy(() -> trainer.setDtype(ScalarType.Long));
  }

  @Test
  void whatTheProgramRefusesIsNotTriedAgain() {
    ATTEMPTS.set(0);
    Program program =
        (group, rows) -> {
          ATTEMPTS.incrementAndGet();
          if (group.rank() == 1) {
            throw new IllegalArgumentException("a learning rate below 0");
          }
          return Income.trainer(group, rows);
        };
    assertRefused(Income.spark(program, 2), frame, "worker 1 of 2: a learning rate below 0");
    assertThat(ATTEMPTS).hasValue(2);
  }

  @Test
  void aProgramWithoutATrainer() {
    assertRefused(Income.spark((group, rows) -> null, 2), frame, "returned no trainer");
  }

  @Test
  void aBatchMayBeLargerThanAllRows() {
    SparkTrainer trainer = Income.spark(Income::trainer, 2).setBatchSize(Long.MAX_VALUE);
    assertThat(trainer.fit(frame).integer("epoch")).isEqualTo(3);
  }

  private static final AtomicInteger ATTEMPTS = new AtomicInteger();

  @Test
  void aFolderThatCannotBeMade(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "x");
    SparkTrainer trainer = Income.spark(Income::trainer, 1);
    assertThatThrownBy(() -> trainer.setCheckpointPath(file.resolve("runs").toString()).fit(frame))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("cannot be made");
    assertThatThrownBy(() -> trainer.setCheckpointPath("nowhere://runs").fit(frame))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("nowhere");
  }
}
