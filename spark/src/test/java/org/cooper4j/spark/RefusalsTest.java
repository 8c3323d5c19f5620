package org.cooper4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.data.Batch;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.RollOut;
import org.cooper4j.training.Trainer;
import org.cooper4j.training.Training;
import org.cooper4j.training.TrainingListener;
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
        "cast(job as varchar(9)) | 'x' is of the type | StringIndexer",
        "to_date('2020-01-01') | 'x' is of the type date; | unix_date",
        "timestamp('2020-01-01') | 'x' is of the type timestamp; | unix_seconds",
        "binary('a') | 'x' is of the type binary; | numbers",
        "array(array(1.0)) | 'x' is of the type array<array<decimal(2,1)>>; | flatten it",
        "array('a') | 'x' is of the type array<string>; | numbers",
        "map('a', 1) | 'x' is of the type map<string,int>; | numbers",
        "array(true) | 'x' is of the type array<boolean>; | cast it to array<int>",
        "named_struct('a', 1) | 'x' is of the type struct<a:int>; | name its fields",
        "if(id = 50, double('NaN'), age) | column 'x' has the number NaN; | na().drop()",
        "if(id = 50, array(-double('inf')), array(1d)) | 'x' has the number -Infinity; | replace",
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
        Income.spark(Income::trainer, 1).setInputCols("age", "sex"),
        frame,
        "no column 'sex'",
        "[id, features, age");
    assertRefused(
        Income.spark(Income::trainer, 1).setIdCol("key"), frame, "no column 'key'", "[id,");
    assertRefused(
        Income.spark(Income::trainer, 1).setInputCols("*"), frame, "none of the columns [*");
    assertRefused(new SparkTrainer(Income::trainer), frame, "call setInputCols");
    assertThatThrownBy(() -> new SparkTrainer(Income::trainer).setInputCols("age", null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("a column");
  }

  @Test
  void columnsThatOneNameDoesNotTellApart() {
    Dataset<Row> twice = frame.withColumnRenamed("income", "age");
    assertRefused(
        Income.spark(Income::trainer, 1).setTargetCols("male"), twice, "2 columns 'age'", "toDF");
    Dataset<Row> cases = frame.withColumnRenamed("income", "AGE");
    assertRefused(
        Income.spark(Income::trainer, 1).setInputCols("Age").setTargetCols("male"),
        cases,
        "no column 'Age'",
        "ambiguous");
  }

  @Test
  void anIdThatSparkCannotHash() {
    Dataset<Row> rows = frame.withColumn("map", functions.expr("map('a', id)"));
    assertRefused(
        Income.spark(Income::trainer, 1).setIdCol("map"), rows, "no hash of the id column 'map'");
  }

  @Test
  void aNumberThatFloat32DoesNotHold() {
    Dataset<Row> rows = frame.withColumn("far", functions.expr("if(id = 9, -1e39, 0)"));
    assertRefused(
        Income.spark(Income::trainer, 2).setDtype(ScalarType.Float).setInputCols("far"),
        rows,
        "worker",
        "column 'far' has the number -1.0E39, which is none in float32; call setDtype");
  }

  @Test
  void aStream() {
    Dataset<Row> stream = Session.get().readStream().format("rate").load();
    assertRefused(Income.spark(Income::trainer, 1), stream, "is a stream", "foreachBatch");
  }

  @Test
  void aSessionWhoseDriverIsElsewhere() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                SparkTrainer.context(
                    () -> {
                      throw new UnsupportedOperationException("UNSUPPORTED_CONNECT_FEATURE");
                    }))
        .withMessageContaining("is of Spark Connect")
        .withMessageContaining("spark.api.mode");
  }

  @Test
  void moreWorkersThanSparkCanRunAtATime() {
    assertRefused(
        Income.spark(Income::trainer, 4),
        frame,
        "4 workers run at a time, and local[3] has 3 slots at most",
        "local[4]",
        "setNumWorkers(3)");
  }

  @Test
  void aProgramThatCannotBeSent() {
    Object object = new Object();
    Program holds =
        (group, rows) -> {
          assertThat(object).isNotNull();
          return Income.trainer(group, rows);
        };
    assertRefused(
        Income.spark(holds, 1), frame, "the program cannot be sent", "java.lang.Object;", "texts");
    Tensor tensor = torch.ones(2);
    Program holdsTensor =
        (group, rows) -> {
          assertThat(tensor).isNotNull();
          return Income.trainer(group, rows);
        };
    assertRefused(
        Income.spark(holdsTensor, 1), frame, "serializable: org.bytedeco.pytorch.Tensor;");
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
    Program inOne = (group, rows) -> group.rank() == 1 ? null : Income.trainer(group, rows);
    assertRefused(Income.spark(inOne, 2), frame, "worker 1 of 2: the program returned no trainer");
  }

  @Test
  @SuppressWarnings("unchecked") // the problem is one of batches
  void aProgramWhoseModelHasNoNameIsRefusedBeforeItTrains() {
    ATTEMPTS.set(0);
    Program unnamed =
        (group, rows) -> {
          ATTEMPTS.incrementAndGet();
          return new Trainer<>(
              (CooperOptimizer<Batch>) Income.trainer(group, rows).training().optimizer());
        };
    assertRefused(Income.spark(unnamed, 2), frame, "is of no module of the trainer", "variable(");
    assertThat(ATTEMPTS).hasValue(1);
  }

  @Test
  void aProgramThatDistributesItself() {
    Program distributed =
        (group, rows) -> {
          var trainer = Income.trainer(group, rows);
          trainer.training().optimizer().distribute(group);
          return trainer;
        };
    assertRefused(Income.spark(distributed, 1), frame, "the program: ", "distributed already");
  }

  @Test
  void aBatchMayBeLargerThanAllRows() {
    SparkTrainer trainer = Income.spark(Income::trainer, 2).setBatchSize(Long.MAX_VALUE);
    assertThat(trainer.fit(frame).integer("epoch")).isEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource({
    "false, no jnitorch in java.library.path, 'java.lang.UnsatisfiedLinkError: no jnitorch in'",
    "true, my/Scheduler, 'java.lang.NoClassDefFoundError: my/Scheduler; executors need'",
  })
  void aClassOrLibraryThatAnExecutorLacksIsNotTriedAgain(
      boolean atAStep, String what, String said) {
    ATTEMPTS.set(0);
    assertRefused(Income.spark(lacking(atAStep, what), 2), frame, "worker 1 of 2: " + said);
    assertThat(ATTEMPTS).hasValue(2);
  }

  private static Program lacking(boolean atAStep, String what) {
    return (group, rows) -> {
      ATTEMPTS.incrementAndGet();
      if (group.rank() == 1 && !atAStep) {
        throw new UnsatisfiedLinkError(what);
      }
      return Income.trainer(group, rows)
          .listen(
              new TrainingListener() {
                @Override
                public void step(Training training, RollOut rollOut) {
                  if (group.rank() == 1) {
                    throw new NoClassDefFoundError(what);
                  }
                }
              });
    };
  }

  private static final AtomicInteger ATTEMPTS = new AtomicInteger();

  @Test
  void anInterruptOfTheCallerCancelsTheJob() {
    CALLER.set(Thread.currentThread());
    Program interrupting =
        (group, rows) -> {
          Thread caller = CALLER.getAndSet(null); // once, though both workers run this
          if (caller != null) {
            caller.interrupt();
          }
          return Income.trainer(group, rows);
        };
    assertThatThrownBy(() -> Income.spark(interrupting, 2).setEpochs(1L << 40).fit(frame))
        .isInstanceOf(CancellationException.class)
        .hasMessageContaining("was interrupted");
    assertThat(Thread.interrupted()).isTrue();
    var all = Income.spark(Income::trainer, 3).fit(frame); // waits for slots that are free again
    assertThat(all.integer("epoch")).isEqualTo(3);
  }

  private static final AtomicReference<Thread> CALLER = new AtomicReference<>();

  @Test
  void aFolderThatCannotBeMade(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "x");
    SparkTrainer trainer = Income.spark(Income::trainer, 1);
    assertThatThrownBy(() -> trainer.setCheckpointPath(file.resolve("runs").toString()).fit(frame))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("no checkpoint can be written there")
        .hasMessageContaining("give another folder");
    assertThatThrownBy(() -> trainer.setCheckpointPath(file.toString()).fit(frame))
        .isInstanceOf(UncheckedIOException.class);
    assertThatThrownBy(() -> trainer.setCheckpointPath("nowhere://runs").fit(frame))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("nowhere");
  }
}
