package org.cooper4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.spark.SparkException;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.optim.RollOut;
import org.cooper4j.training.Training;
import org.cooper4j.training.TrainingListener;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Workers that fail are tried again, and end where undisturbed ones do. */
class ResumptionTest {
  /** The first step of each attempt of the last worker. */
  private static final List<Long> STARTS = new CopyOnWriteArrayList<>();

  private static Dataset<Row> frame;
  private static double[] undisturbed;

  @TempDir private Path folder;

  @BeforeAll
  static void trainUndisturbed() {
    frame = Income.frame(Session.get()).cache();
    undisturbed = Income.variables(Income.spark(Income::trainer, 2).fit(frame));
  }

  /** Throws in the last worker, at a step, in the attempts before the given one. */
  private static Program failing(long failureStep, int attempts) {
    STARTS.clear();
    return (group, rows) -> {
      boolean last = group.rank() == group.size() - 1;
      return Income.trainer(group, rows)
          .listen(
              new TrainingListener() {
                @Override
                public void start(Training training) {
                  if (last) {
                    STARTS.add(training.step());
                  }
                }

                @Override
                public void step(Training training, RollOut rollOut) {
                  boolean fails = TaskContext.get().stageAttemptNumber() < attempts;
                  if (last && fails && training.step() == failureStep) {
                    throw new IllegalStateException("the disk is full");
                  }
                }
              });
    };
  }

  private static Program stopping(long step) {
    return (group, rows) ->
        Income.trainer(group, rows)
            .listen(
                new TrainingListener() {
                  @Override
                  public void step(Training training, RollOut rollOut) {
                    if (training.step() == step) {
                      training.stop("enough");
                    }
                  }
                });
  }

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> !name.endsWith(".crc"))
          .sorted()
          .toList();
    }
  }

  @AfterEach
  void mendTheFileSystem() {
    OtherFileSystem.GONE.clear();
    OtherFileSystem.REFUSED.clear();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "file://", "other:"})
  void aFailedWorkerGoesOnFromTheLastCheckpoint(String scheme) throws IOException {
    OtherFileSystem.CREATED.clear();
    Checkpoint end =
        Income.spark(failing(11, 1), 2)
            .setCheckpointPath(scheme + folder)
            .setCheckpointInterval(4)
            .fit(frame);
    assertThat(STARTS).containsExactly(0L, 8L);
    assertThat(Income.variables(end)).isEqualTo(undisturbed);
    assertThat(files()).containsExactly("step-000000016.pt", "step-000000018.pt");
    assertThat(OtherFileSystem.CREATED)
        .hasSize(scheme.equals("other:") ? 7 : 0) // one tries if the folder can be written to
        .allMatch(name -> name.startsWith("."));
    assertThat(Income.variables(Checkpoint.load(folder.resolve("step-000000018.pt"))))
        .isEqualTo(undisturbed);
  }

  @Test
  void withoutCheckpointsTheyStartAnew() {
    Checkpoint end = Income.spark(failing(11, 2), 2).fit(frame);
    assertThat(STARTS).containsExactly(0L, 0L, 0L);
    assertThat(Income.variables(end)).isEqualTo(undisturbed);
  }

  @Test
  void theJobFailsWithWhatIsThrownEachTime() {
    SparkTrainer trainer = Income.spark(failing(2, 99), 2);
    assertThatThrownBy(() -> trainer.fit(frame))
        .isInstanceOf(SparkException.class)
        .hasMessageContaining("the disk is full");
    assertThat(STARTS).hasSize(4);
  }

  @Test
  void anotherTrainingGoesOnAlsoWithMoreWorkers() throws IOException {
    String path = folder.toString();
    Income.spark(failing(99, 0), 2).setEpochs(2).setCheckpointPath(path).fit(frame);
    Files.writeString(folder.resolve(".unfinished-1-step-000000099.pt"), "unfinished");
    Files.writeString(folder.resolve("step-000000015.pt"), "damaged");
    Checkpoint end = Income.spark(failing(99, 0), 3).setCheckpointPath(path).fit(frame);
    assertThat(STARTS).containsExactly(12L);
    assertThat(Income.variables(end))
        .containsExactly(undisturbed, org.assertj.core.api.Assertions.within(1e-12));
    assertThat(files()).containsExactly("step-000000015.pt", "step-000000018.pt");
  }

  @Test
  void anotherTrainingsCheckpointsAreRefused() {
    Income.spark(failing(8, 0), 2).setCheckpointPath(folder.toString()).fit(frame);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Income.spark(Income::trainer, 2)
                    .setInputCols("age")
                    .setCheckpointPath(folder.toString())
                    .fit(frame))
        .withMessageContaining("cannot resume: file:" + folder + "/step-000000018.pt: model_state");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Income.spark(Income::trainer, 2)
                    .setCheckpointPath(folder.toString())
                    .fit(frame.filter("id > 0")))
        .withMessageContaining("rows: the checkpoint is of 103, this training has 102");
  }

  @Test
  void manyRowsAreDealtAlikeByEachApplication() {
    Dataset<Row> many = Session.get().range(50_000).selectExpr("id", "id % 7 as x");
    List<List<Row>> parts = parts(many);
    assertThat(parts).hasSize(3).allMatch(rows -> Math.abs(rows.size() - 50_000 / 3) < 1000);
    assertThat(parts(many.repartition(5))).isEqualTo(parts);
    assertThat(parts.stream().flatMap(List::stream).map(row -> row.getLong(0))).isSorted();
  }

  private static List<List<Row>> parts(Dataset<Row> rows) {
    Dataset<Row> dealt = Selection.of(rows, List.of("x"), List.of(), "id").dealt(3);
    return dealt.javaRDD().glom().collect();
  }

  @Test
  void checkpointsOfOtherRowsAreRefusedAlsoWhereThereAreAsMany() {
    SparkTrainer trainer = Income.spark(Income::trainer, 2).setCheckpointPath(folder.toString());
    trainer.fit(frame);
    for (Dataset<Row> others :
        List.of(
            frame.withColumn("age", functions.expr("age + 1")),
            frame.withColumn("age", functions.rand()))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> trainer.fit(others))
          .withMessageContaining("keys: the checkpoint is of ")
          .withMessageContaining("setIdCol");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Income.spark(Income::trainer, 2)
                    .setIdCol("id")
                    .setCheckpointPath(folder.toString())
                    .fit(frame))
        .withMessageContaining("or their id column differ");
  }

  @Test
  void twoTrainingsThatRunAtATimeSaveToTwoFolders() {
    SparkTrainer inner = Income.spark(Income::trainer, 1).setCheckpointPath("file:" + folder + "/");
    AtomicReference<Throwable> refused = new AtomicReference<>();
    DURING.set(
        () -> {
          try {
            inner.fit(frame);
          } catch (IllegalStateException e) {
            refused.set(e);
          }
        });
    Program program =
        (group, rows) -> {
          DURING.get().run();
          return Income.trainer(group, rows);
        };
    Income.spark(program, 1).setCheckpointPath(folder.toString()).fit(frame);
    assertThat(refused.get()).hasMessageContaining("a training that runs saves its checkpoints");
    assertThat(inner.fit(frame).integer("epoch")).as("afterwards it is free").isEqualTo(3);
  }

  private static final AtomicReference<Runnable> DURING = new AtomicReference<>();

  @Test
  void checkpointsOfWhichNoneIsWholeAreRefusedOnce() throws IOException {
    Files.writeString(folder.resolve("step-000000012.pt"), "damaged");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Income.spark(failing(99, 0), 2).setCheckpointPath(folder.toString()).fit(frame))
        .withMessageStartingWith("worker 0 of 2: file:" + folder + "/step-000000012.pt: ");
    assertThat(STARTS).isEmpty();
  }

  @Test
  void aFileThatIsListedButGoneIsPassedOver() throws IOException {
    String path = "other:" + folder;
    Income.spark(failing(99, 0), 2).setEpochs(2).setCheckpointPath(path).fit(frame);
    OtherFileSystem.GONE.add("step-000000017.pt");
    Checkpoint end = Income.spark(failing(99, 0), 2).setCheckpointPath(path).fit(frame);
    assertThat(STARTS).containsExactly(12L);
    assertThat(Income.variables(end)).isEqualTo(undisturbed);
  }

  @Test
  void aFileThatCannotBeWrittenLeavesNothing() throws IOException {
    OtherFileSystem.REFUSED.add("step-000000012.pt");
    SparkTrainer trainer = Income.spark(failing(99, 0), 2).setCheckpointPath("other:" + folder);
    assertThatThrownBy(() -> trainer.fit(frame))
        .isInstanceOf(SparkException.class)
        .hasMessageContaining("step-000000012.pt: cannot be written")
        .hasMessageContaining("could not be renamed");
    assertThat(files()).containsExactly("step-000000006.pt");
    assertThat(STARTS).containsExactly(0L, 6L, 6L, 6L);
  }

  @Test
  void whatAllWorkersStopIsSaved() throws IOException {
    Income.spark(stopping(8), 2).setCheckpointPath(folder.toString()).fit(frame);
    assertThat(files()).containsExactly("step-000000006.pt", "step-000000008.pt");
    Checkpoint end =
        Income.spark(failing(99, 0), 2).setCheckpointPath(folder.toString()).fit(frame);
    assertThat(STARTS).containsExactly(8L);
    assertThat(Income.variables(end)).isEqualTo(undisturbed);
  }
}
