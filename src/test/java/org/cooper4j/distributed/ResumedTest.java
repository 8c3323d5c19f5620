package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.training.Checkpoints;
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

  private interface Step extends TrainingListener {
    void step(Training training);

    @Override
    default void step(Training training, RollOut rollOut) {
      step(training);
    }
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
      assertThat(error).contains("the ranks do not do the same", "rank 1 has a roll");
    }
  }

  @Test
  void aProcessThatStopsAloneIsAnErrorOfAllThatSaysWhy() {
    List<String> errors =
        TwoRanks.errors(
            group ->
                trainer(
                        group,
                        (Step)
                            training -> {
                              if (group.rank() == 1 && training.step() == 3) {
                                training.stop("no better feasible iterate in 2");
                              }
                            })
                    .fitSteps(5));
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
              trainer(
                      group,
                      (Step)
                          training -> {
                            if (training.step() == 3) {
                              training.stop("enough");
                            }
                          })
                  .fitSteps(5);
              group.barrier();
            });
    assertThat(errors).containsExactly("", "");
  }

  @Test
  void whatAListenerThrowsInOneProcessTheOthersAreTold() {
    List<String> errors =
        TwoRanks.errors(
            group ->
                trainer(
                        group,
                        (Step)
                            training -> {
                              if (group.rank() == 1 && training.step() == 3) {
                                throw new IllegalStateException("the disk is full");
                              }
                            })
                    .fitSteps(5));
    assertThat(errors.get(0)).contains("rank 1 failed: IllegalStateException: the disk is full");
    assertThat(errors.get(1)).isEqualTo("IllegalStateException: the disk is full");
  }

  @Test
  void whoIsStoppedByAnotherThreadTellsTheOthers() {
    List<String> errors =
        TwoRanks.errors(
            group ->
                trainer(
                        group,
                        (Step)
                            training -> {
                              if (group.rank() == 1 && training.step() == 3) {
                                stop(training);
                              }
                            })
                    .fitSteps(5));
    assertThat(errors.get(0))
        .contains("rank 1 failed: CancellationException: the end of a training after 3 steps")
        .contains("stopped: the JVM is shutting down");
    assertThat(errors.get(1)).isEmpty();
  }

  private static void stop(Training training) {
    CountDownLatch stopped = new CountDownLatch(1);
    new Thread(
            () -> {
              training.stop("the JVM is shutting down");
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
