package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.training.BestFeasible;
import org.cooper4j.training.Checkpoints;
import org.cooper4j.training.StopOnNaN;
import org.cooper4j.training.Trainer;
import org.cooper4j.training.Training;
import org.cooper4j.training.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Training loops of several processes: where they go on, and that they end together. */
@EnabledOnOs(OS.LINUX)
class ResumedTest {
  private static final String APART =
      "the ranks no longer have the same variables, multipliers and rates: rank 0 has at the end of"
          + " a training";

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"one", "another"})
  void allProcessesGoOnFromWhatTheFirstHasSaved(String others) throws Exception {
    Path output = folder.resolve("run");
    Path first = folder.resolve("one");
    try (Ranks ranks =
        Ranks.start(
            2,
            folder,
            Resumed.class,
            output.toString(),
            first.toString(),
            folder.resolve(others).toString())) {
      ranks.assertSuccess();
    }
    List<Map<String, double[]>> ranks =
        List.of(Cases.read(folder.resolve("run0")), Cases.read(folder.resolve("run1")));
    for (var rank : ranks) {
      double[] whole = rank.get("whole");
      assertThat(rank.get("resumed")).as("resumed").isEqualTo(whole);
      // Its layout has no generators, and buffers are the first process's.
      assertThat(Arrays.copyOf(rank.get("cooper"), 1))
          .isEqualTo(Arrays.copyOf(rank.get("first five"), 1));
    }
    double[] masks = ranks.stream().mapToDouble(rank -> rank.get("resumed")[3]).toArray();
    assertThat(masks[0]).as("generators of their own").isNotEqualTo(masks[1]);
    if (others.equals("another")) {
      assertThat(ranks.get(1).get("files")).as("the others' files").containsExactly(0);
    }
  }

  private Ranks run(String output, String files, int seed, int dies) throws Exception {
    return Ranks.start(
        2,
        folder,
        Resumed.Killed.class,
        folder.resolve(output).toString(),
        folder.resolve(files).toString(),
        "" + seed,
        "" + dies);
  }

  @Test
  void afterTheDeathOfOneTheLastFileOfAllStaysTheNewest() throws Exception {
    try (Ranks whole = run("whole", "of-whole", 0, 0)) {
      whole.assertSuccess();
    }
    try (Ranks killed = run("killed", "files", 0, 8)) {
      assertThat(killed.end(1)).isEqualTo(9);
      assertThat(killed.end(0)).isNotZero();
    }
    assertThat(new Checkpoints(folder.resolve("files")).files())
        .containsExactly("step-000000005.pt", "step-000000006.pt");
    try (Ranks resumed = run("resumed", "files", 90, 0)) {
      resumed.assertSuccess();
    }
    for (int rank = 0; rank < 2; rank++) {
      assertThat(Cases.read(folder.resolve("resumed" + rank)).get("end"))
          .as("rank %d", rank)
          .isEqualTo(Cases.read(folder.resolve("whole" + rank)).get("end"));
    }
  }

  private static Trainer<Object> trainer(ProcessGroup group, TrainingListener... listeners) {
    Tensor x = torch.ones(2).requires_grad_(true);
    var problem =
        ConstrainedMinimizationProblem.<Object>of(
            Map.of(), unused -> CMPState.of(x.square().sum()));
    var optimizer =
        new UnconstrainedOptimizer<>(problem, new SGD(new TensorVector(x), new SGDOptions(0.01)));
    optimizer.distribute(group);
    return new Trainer<>(optimizer).variable("x", x).listen(listeners);
  }

  /** Does something after a step. */
  private static TrainingListener after(int step, Consumer<Training> action) {
    return new TrainingListener() {
      @Override
      public void step(Training training, RollOut rollOut) {
        if (training.step() == step) {
          action.accept(training);
        }
      }
    };
  }

  /** What all throw where one of them does something after the third of five steps. */
  private static List<String> errorsIf(int rank, Consumer<Training> action) {
    return TwoRanks.errors(
        group -> {
          Consumer<Training> its = group.rank() == rank ? action : unused -> {};
          trainer(group, after(3, its)).fitSteps(5);
        });
  }

  @Test
  void checkpointsOfOneProcessAloneAreRefusedByAll() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              Trainer<Object> trainer = trainer(group);
              if (group.rank() == 0) {
                trainer.listen(new Checkpoints(folder));
              }
              trainer.fitSteps(5);
            });
    for (String error : errors) {
      assertThat(error)
          .contains("rank 0 has a checkpoint to go on from, rank 1 has the start of a training");
    }
  }

  @Test
  void checkpointsAfterOtherStepsAreRefusedByAll() {
    List<String> errors =
        TwoRanks.errors(
            group ->
                trainer(group, new Checkpoints(folder).everySteps(group.rank() + 2)).fitSteps(5));
    for (String error : errors) {
      assertThat(error).contains("rank 0 has a checkpoint after 2 steps, rank 1 has a roll");
    }
  }

  @Test
  void aProcessThatStopsAloneIsAnErrorOfAllThatSaysWhy() {
    List<String> errors = errorsIf(1, training -> training.stop("no better feasible iterate in 2"));
    for (String error : errors) {
      assertThat(error)
          .contains(
              "rank 0 has a roll, rank 1 has the end of a training after 3 steps, stopped: no"
                  + " better feasible iterate in 2");
    }
  }

  @Test
  void allMayStopAfterTheSameStep() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              trainer(group, after(3, training -> training.stop("enough"))).fitSteps(5);
              group.barrier();
            });
    assertThat(errors).containsExactly("", "");
  }

  @Test
  void whatAListenerThrowsInOneProcessTheOthersAreTold() {
    List<String> errors =
        errorsIf(
            1,
            training -> {
              throw new IllegalStateException("the disk is full");
            });
    assertThat(errors.get(0)).contains("rank 1 failed: IllegalStateException: the disk is full");
    assertThat(errors.get(1)).isEqualTo("IllegalStateException: the disk is full");
  }

  @Test
  void whereAnotherThreadStopsOneProcessAllEndAfterTheNextStepAndSaveIt() {
    List<String> ends =
        TwoRanks.run(
            group -> {
              Trainer<Object> trainer =
                  trainer(
                      group,
                      after(3, group.rank() == 1 ? ResumedTest::stop : unused -> {}),
                      new Checkpoints(folder));
              Training end = trainer.fitSteps(9);
              String first = end + " " + end.stopReason().orElseThrow();
              return first + ", then " + trainer.fitSteps(9).step();
            });
    assertThat(ends)
        .containsExactly(
            "Training(epoch 0, step 4) rank 1: a button, then 9",
            "Training(epoch 0, step 4) a button, then 9");
    assertThat(new Checkpoints(folder).files())
        .containsExactly("step-000000004.pt", "step-000000009.pt");
  }

  @Test
  void whereOtherThreadsStopAllAfterDifferentStepsAllEndAfterTheSame() {
    List<String> ends =
        TwoRanks.run(
            group -> {
              Training end = trainer(group, after(group.rank() + 3, ResumedTest::stop)).fitSteps(9);
              return end + " " + end.stopReason().orElseThrow();
            });
    assertThat(ends.get(0)).isEqualTo("Training(epoch 0, step 4) a button");
    assertThat(ends.get(1)).isEqualTo(ends.get(0));
  }

  @Test
  void aStopThatComesAfterTheLastRollLeavesTheEndAsItIs() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              Consumer<Training> its = group.rank() == 1 ? ResumedTest::stop : unused -> {};
              Training end = trainer(group, after(5, its)).fitSteps(5);
              assertThat(end.stopReason()).isEmpty();
            });
    assertThat(errors).containsExactly("", "");
  }

  @Test
  void aSignalThatEndsSomeOrAllStopsAndSavesAllAfterOneStep() throws Exception {
    try (Ranks whole = run("whole", "of-whole", 0, 0)) {
      whole.assertSuccess();
    }
    for (List<Integer> signalled : List.of(List.of(0), List.of(1), List.of(0, 1))) {
      String files = "files" + signalled;
      end(signalled, folder.resolve(files));
      assertThat(new Checkpoints(folder.resolve(files)).files())
          .last()
          .isEqualTo("step-000000009.pt");
      try (Ranks resumed = run("resumed", files, 90, 0)) {
        resumed.assertSuccess();
      }
      for (int rank = 0; rank < 2; rank++) {
        assertThat(Cases.read(folder.resolve("resumed" + rank)).get("end"))
            .as("rank %d, of which %s were signalled", rank, signalled)
            .isEqualTo(Cases.read(folder.resolve("whole" + rank)).get("end"));
      }
    }
  }

  private void end(List<Integer> signalled, Path files) throws Exception {
    String which = signalled.toString();
    try (Ranks ranks = Ranks.start(2, folder, Resumed.Signalled.class, files.toString(), which)) {
      for (int rank = 0; rank < 2; rank++) {
        boolean asked = signalled.contains(rank);
        assertThat(ranks.end(rank)).as(ranks.output(rank)).isEqualTo(asked ? 143 : 1);
        if (!asked) {
          assertThat(ranks.output(rank))
              .contains(
                  "CancellationException: the training ended after 9 steps, since a process did:"
                      + " rank "
                      + signalled.get(0)
                      + ": the JVM is shutting down");
        }
      }
    }
  }

  @Test
  void theReasonsOfAStopMayDiffer() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              String reason = "rank " + group.rank() + " has enough";
              trainer(group, after(3, training -> training.stop(reason))).fitSteps(5);
              group.barrier();
            });
    assertThat(errors).containsExactly("", "");
  }

  @Test
  void theFolderIsThatOfTheFirstAlone() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    for (int writable = 0; writable < 2; writable++) {
      int has = writable;
      List<String> errors =
          TwoRanks.errors(
              group -> {
                Path path = group.rank() == has ? folder.resolve("files") : file;
                trainer(group, new Checkpoints(path)).fitSteps(5);
              });
      if (has == 0) {
        assertThat(errors).containsExactly("", "");
      } else {
        assertThat(errors.get(0)).contains(file + ": nothing can be written there");
        assertThat(errors.get(1)).contains("rank 0 failed: UncheckedIOException: " + file);
      }
    }
  }

  @Test
  void whatOneProcessPutsBackAtTheEndIsFound() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              Trainer<Object> trainer = trainer(group);
              if (group.rank() == 1) {
                trainer.listen(new BestFeasible());
              }
              trainer.fitSteps(5);
            });
    for (String error : errors) {
      assertThat(error)
          .contains(APART + " primal variable 0 = ", "after distribute() change such things in all")
          .doesNotContain("shapes");
    }
  }

  private static void changeAtTheEnd(ProcessGroup group) {
    Consumer<Training> change =
        training -> {
          var primal = training.optimizer().primalOptimizers().get(0);
          primal.param_groups().get(0).options().set_lr(0.5);
        };
    trainer(group, after(5, group.rank() == 0 ? change : unused -> {})).fitSteps(5);
  }

  @Test
  void whatOneProcessChangesInItsLastStepIsFoundUnlessNothingIsCompared() {
    for (String error : TwoRanks.errors(ResumedTest::changeAtTheEnd)) {
      assertThat(error).contains(APART + " optimizer.", "lr = 0.5");
    }
    assertThat(TwoRanks.errors(group -> changeAtTheEnd(group.compare(false))))
        .containsExactly("", "");
  }

  @Test
  void whatFailsInOneProcessBeforeOrAfterTheStepsTheOtherIsTold() {
    Consumer<ProcessGroup> noBatches = group -> trainer(group).fitSteps(null, 5);
    Consumer<ProcessGroup> negative = group -> trainer(group).fitSteps(-1);
    Consumer<ProcessGroup> end =
        group ->
            trainer(
                    group,
                    new TrainingListener() {
                      @Override
                      public void end(Training training) {
                        throw new IllegalStateException("the log cannot be closed");
                      }
                    })
                .fitSteps(5);
    Map.of(
            noBatches, "NullPointerException: batches",
            negative, "IllegalArgumentException: steps is -1",
            end, "IllegalStateException: the log cannot be closed")
        .forEach(
            (fails, text) -> {
              List<String> errors =
                  TwoRanks.errors(
                      group -> {
                        if (group.rank() == 1) {
                          fails.accept(group);
                        } else {
                          trainer(group).fitSteps(5);
                        }
                      });
              assertThat(errors.get(1)).startsWith(text);
              assertThat(errors.get(0)).contains("rank 1 failed: " + text);
            });
  }

  /** Takes a roll's failure where it may. */
  private record Takes(boolean it) implements TrainingListener {
    @Override
    public boolean rollFailed(Training training, RuntimeException e) {
      if (it) {
        training.stop("taken");
      }
      return it;
    }
  }

  private static void trainToNaN(ProcessGroup group, TrainingListener... listeners) {
    Tensor x = torch.ones(2).requires_grad_(true);
    int[] evaluations = {0};
    var problem =
        ConstrainedMinimizationProblem.<Object>of(
            Map.of(),
            unused ->
                CMPState.of(
                    x.square()
                        .sum()
                        .mul(
                            new Scalar(
                                ++evaluations[0] == 4 && group.rank() == 1 ? Double.NaN : 1.0))));
    var optimizer =
        new UnconstrainedOptimizer<>(problem, new SGD(new TensorVector(x), new SGDOptions(0.01)));
    optimizer.distribute(group);
    new Trainer<>(optimizer).variable("x", x).listen(listeners).fitSteps(9);
  }

  @Test
  void aFailureThatAllTakeLeavesThemTogether() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              trainToNaN(group, new StopOnNaN(2), new Checkpoints(folder).everySteps(3));
              group.barrier();
            });
    assertThat(errors).containsExactly("", "");
  }

  @Test
  void aFailureThatOneTakesAloneIsAnErrorOfBoth() {
    List<String> errors = TwoRanks.errors(group -> trainToNaN(group, new Takes(group.rank() == 0)));
    assertThat(errors.get(0)).contains("rank 1 failed: NotFiniteException");
    assertThat(errors.get(1))
        .startsWith("NotFiniteException")
        .contains("loss", "is NaN or infinite: rank 1 alone evaluated it so; ");
  }

  private static void stop(Training training) {
    CountDownLatch stopped = new CountDownLatch(1);
    new Thread(
            () -> {
              training.stop("a button");
              stopped.countDown();
            })
        .start();
    try {
      stopped.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
