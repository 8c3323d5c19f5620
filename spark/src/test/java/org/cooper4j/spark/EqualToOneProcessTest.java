package org.cooper4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.Threads;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.LoadOptions;
import org.cooper4j.checkpoint.RngState;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.distributed.ProcessGroup;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Workers train as a program without Spark does, from the same rows and a shuffled loader. */
class EqualToOneProcessTest {
  private static Dataset<Row> frame;

  @BeforeAll
  static void makeFrame() {
    frame = Income.frame(Session.get()).cache();
  }

  private static double[] alone(String... dealtBy) {
    Column[] columns = Stream.of(dealtBy).map(frame::col).toArray(Column[]::new);
    List<Row> rows = frame.orderBy(functions.xxhash64(columns)).collectAsList();
    double[] inputs = new double[rows.size() * 7];
    double[] targets = new double[rows.size() * 2];
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      System.arraycopy(
          row.<org.apache.spark.ml.linalg.Vector>getAs("features").toArray(), 0, inputs, 7 * i, 3);
      inputs[7 * i + 3] = row.<Integer>getAs("age");
      inputs[7 * i + 4] = row.<Boolean>getAs("married") ? 1 : 0;
      List<Float> hours = row.getList(row.fieldIndex("hours"));
      inputs[7 * i + 5] = hours.get(0);
      inputs[7 * i + 6] = hours.get(1);
      targets[2 * i] = row.<Double>getAs("income");
      targets[2 * i + 1] = row.<java.math.BigDecimal>getAs("male").doubleValue();
    }
    TensorDataset all =
        new TensorDataset(
            Tensor.create(inputs, rows.size(), 7), Tensor.create(targets, rows.size(), 2));
    try (ProcessGroup group = ProcessGroup.fromEnvironment()) {
      torch.manual_seed(7);
      var trainer = Income.trainer(group, all);
      trainer.fit(DataLoader.builder(all).batchSize(20).shuffle(7).build(), 3);
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      Checkpoint.save(out, trainer.training().stateDict());
      return Income.variables(Checkpoint.load(out.toByteArray(), new LoadOptions()));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void anyNumberOfWorkersEndsWhereOneProcessDoes(int workers) {
    double[] expected =
        alone(Stream.of(Income.INPUTS, Income.TARGETS).flatMap(Stream::of).toArray(String[]::new));
    Checkpoint end = Income.spark(Income::trainer, workers).fit(frame);
    assertThat(Income.variables(end)).containsExactly(expected, within(1e-12));
    assertThat(end.integer("step")).isEqualTo(18);
    assertThat(expected[8]).as("the multiplier").isPositive();
  }

  @Test
  void anIdDealsTheRows() {
    Checkpoint end = Income.spark(Income::trainer, 2).setIdCol("id").fit(frame);
    assertThat(Income.variables(end)).containsExactly(alone("id"), within(1e-12));
  }

  @Test
  void workersWithoutRowsTakePart() {
    Dataset<Row> few = frame.filter("id < 2");
    double[] one = Income.variables(Income.spark(Income::trainer, 1).setIdCol("id").fit(few));
    double[] three = Income.variables(Income.spark(Income::trainer, 3).setIdCol("id").fit(few));
    assertThat(three).containsExactly(one, within(1e-12));
  }

  @Test
  void columnsMayHaveAnyNamesAndBeNamedAsSparkReadsThem() {
    Dataset<Row> renamed =
        frame.selectExpr(
            "struct(features, age) as person",
            "married as `mar.r``ied`",
            "hours as key",
            "income as column0",
            "male as `person.male`");
    Checkpoint end =
        Income.spark(Income::trainer, 2)
            .setInputCols("person.features", "PERSON.Age", "mar.r`ied", "KEY")
            .setTargetCols("Column0", "person.male")
            .fit(renamed);
    assertThat(Income.variables(end))
        .isEqualTo(Income.variables(Income.spark(Income::trainer, 2).fit(frame)));
  }

  @Test
  void trainingsThatRunAtATimeDrawTheirVariablesAlone() throws Exception {
    double[] alone = Income.variables(Income.spark(Income::trainer, 1).fit(frame));
    ExecutorService threads = Executors.newFixedThreadPool(3);
    try {
      List<Future<double[]>> ends = new ArrayList<>();
      SparkTrainer trainer = Income.spark(slow(), 1);
      for (int i = 0; i < 3; i++) {
        ends.add(threads.submit(() -> Income.variables(trainer.fit(frame))));
      }
      for (Future<double[]> end : ends) {
        assertThat(end.get()).isEqualTo(alone);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** Leaves the others time to draw between the seed and its own variables. */
  private static Program slow() {
    return (group, rows) -> {
      LockSupport.parkNanos(50_000_000);
      return Income.trainer(group, rows);
    };
  }

  @Test
  void whatTasksShareWithTheirJvmIsAsBefore() {
    torch.manual_seed(11);
    Tensor generator = RngState.get();
    Income.spark(Income::trainer, 2).fit(frame);
    assertThatThrownBy(() -> Income.spark((group, rows) -> null, 2).fit(frame))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(RngState.get().equal(generator)).isTrue();
    assertThat(Threads.getNumThreads()).isZero();
  }
}
