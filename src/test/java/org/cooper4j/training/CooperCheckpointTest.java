package org.cooper4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.data.Batch;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The live exchange with Python is in the MNIST example's tests. */
class CooperCheckpointTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void nameFile() {
    file = folder.resolve("checkpoint.pth");
  }

  /** A line whose slope is bounded, and four batches. */
  private static final class Line {
    final LinearImpl model = new LinearImpl(1, 1);
    final Constraint bound = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1));
    final History history = new History(3);
    boolean strict;
    final List<Batch> batches;
    final Trainer<Batch> trainer;

    Line(long seed) {
      torch.manual_seed(0);
      batches =
          List.of(0, 1, 2, 3).stream()
              .map(i -> new Batch(torch.randn(8, 1), torch.randn(8, 1)))
              .toList();
      torch.manual_seed(seed);
      model.reset_parameters();
      ConstrainedMinimizationProblem<Batch> problem =
          ConstrainedMinimizationProblem.of(
              batch ->
                  state(
                      CMPState.of(torch.mse_loss(model.forward(batch.inputs()), batch.targets()))),
              Map.entry("bound", bound));
      trainer =
          new Trainer<>(
                  new SimultaneousOptimizer<>(
                      problem,
                      new Adam(model.parameters(), new AdamOptions(0.1)),
                      new SGD(problem.dualParameters(), new SGDOptions(0.1))))
              .module("model", model);
    }

    private CMPState state(CMPState state) {
      Tensor violation = model.weight().square().sum().sub(new Scalar(0.1));
      return strict
          ? state.observe(
              bound,
              ConstraintState.builder(violation)
                  .strictViolation(violation.gt(new Scalar(0.0)).to(ScalarType.Float))
                  .build())
          : state.observe(bound, violation);
    }

    CooperCheckpoint listen(Path file) {
      CooperCheckpoint checkpoint =
          new CooperCheckpoint(file, history)
              .metric("train_loss", "loss")
              .metric("multiplier_value", "multiplier/bound");
      trainer.listen(checkpoint, history); // the trainer sorts them
      return checkpoint;
    }
  }

  @Test
  void aRunInPartsEndsAsOneAndItsFileHasTheLayoutOfCoopersTutorials() {
    Line whole = new Line(0);
    whole.listen(folder.resolve("whole").resolve("checkpoint.pth"));
    whole.trainer.fit(whole.batches, 3);
    Line first = new Line(0);
    first.listen(file);
    first.trainer.fit(first.batches, 2);
    Line second = new Line(7);
    CooperCheckpoint checkpoint = second.listen(file);
    assertThat(second.trainer.fit(second.batches, 3).step()).isEqualTo(12);

    States.assertEqual(StateDict.of(second.model), StateDict.of(whole.model));
    assertThat(file).hasSameBinaryContentAs(folder.resolve("whole").resolve("checkpoint.pth"));
    Checkpoint saved = Checkpoint.load(file);
    assertThat(saved.asMap().keySet())
        .containsExactly(
            "batch_ix",
            "epoch",
            "all_metrics",
            "model_state_dict",
            "cmp_state_dict",
            "cooper_optimizer_state_dict");
    assertThat(saved.integer("batch_ix")).isEqualTo(12);
    assertThat(saved.integer("epoch")).isEqualTo(2);
    assertThat(saved.at("all_metrics").root()).isEqualTo(checkpoint.allMetrics());
    assertThat(checkpoint.allMetrics().get("batch_ix").toString()).isEqualTo("[3, 6, 9, 12]");
    assertThat(second.history.values("loss")).containsExactly(whole.history.values("loss"));
  }

  @Test
  void aResumedRunHasTheLargestViolationsOfBefore() {
    Line whole = new Line(0);
    whole.listen(folder.resolve("whole.pth")).metric("violation", "violation/bound");
    whole.trainer.fit(whole.batches, 3);
    Line first = new Line(0);
    first.listen(file).metric("violation", "violation/bound");
    first.trainer.fit(first.batches, 2);
    for (int epochs : new int[] {2, 3}) { // none more, one more
      Line second = new Line(7);
      second.listen(file).metric("violation", "violation/bound");
      second.trainer.fit(second.batches, epochs);
      assertThat(second.history.values("max_violation"))
          .containsExactly(
              Arrays.copyOf(whole.history.values("max_violation"), epochs == 2 ? 2 : 4));
    }
  }

  @Test
  void ofStrictViolationsTheFileHasNotTheLargest() {
    for (int epochs : new int[] {1, 2}) {
      Line run = new Line(0);
      run.strict = true;
      run.listen(file).metric("violation", "violation/bound");
      run.trainer.fit(run.batches, epochs);
      assertThat(run.history.steps("max_violation")).containsExactly(epochs == 1 ? 3 : 6);
    }
  }

  @Test
  void aRunThatRecordedNothingIsResumed() {
    Line run = new Line(0);
    run.listen(file);
    run.trainer.fit(run.batches.subList(0, 2), 1);
    assertThat(Checkpoint.load(file).map("all_metrics").list("train_loss")).isEmpty();
    Map<String, Object> pythons = new LinkedHashMap<>(Checkpoint.load(file).asMap());
    pythons.put("all_metrics", Map.of()); // an empty defaultdict
    Checkpoint.save(file, pythons);
    Line second = new Line(1);
    second.listen(file);
    assertThat(second.trainer.fit(second.batches.subList(0, 2), 2).step()).isEqualTo(4);
  }

  @Test
  void whatDoesNotFitIsNamedAndChangesNothing() throws Exception {
    Line run = new Line(0);
    run.listen(file);
    run.trainer.fit(run.batches, 1);
    Map<String, Object> state = Checkpoint.load(file).asMap();

    refuses(state, "batch_ix", 5L, "batch_ix: expected 4 batches in each of 1 epochs, found 5");
    refuses(state, "epoch", "one", "epoch: expected an int");
    refuses(state, "all_metrics", 1L, "all_metrics: expected a dict");
    refuses(
        state,
        "all_metrics",
        Map.of("batch_ix", List.of(3L), "train_loss", List.of("low")),
        "train_loss");
    refuses(state, "model_state_dict", Map.of(), "model_state_dict");
    Files.writeString(file, "no checkpoint");
    refuses(file.toString());
  }

  private void refuses(Map<String, Object> state, String key, Object value, String message) {
    Map<String, Object> changed = new LinkedHashMap<>(state);
    changed.put(key, value);
    Checkpoint.save(file, changed);
    refuses(message);
  }

  private void refuses(String message) {
    Line run = new Line(3);
    Map<String, Object> before = StateDict.copyOf(StateDict.of(run.model));
    run.listen(file);
    assertThatThrownBy(() -> run.trainer.fit(run.batches, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("cannot resume: " + file)
        .hasMessageContaining(message);
    States.assertEqual(StateDict.of(run.model), before);
    assertThat(run.history.names()).isEmpty();
  }

  @Test
  void aSecondFitGoesOnWhereTheFirstWasStopped() {
    Line run = new Line(0);
    run.listen(file);
    long[] steps = {0};
    run.trainer.listen(
        Run.everyStep(
            training -> {
              steps[0]++;
              if (steps[0] == 6) {
                training.stop("enough");
              }
            }));
    assertThat(run.trainer.fit(run.batches, 3).step()).isEqualTo(6);
    assertThat(run.trainer.fit(run.batches, 3).step()).isEqualTo(12);
    assertThat(steps[0]).isEqualTo(12);
    assertThat(run.history.steps("loss")).containsExactly(3, 6, 9, 12);
  }

  @Test
  void besideItCheckpointsOfTheSameStepGiveWhatItsFileHasNot() {
    Run whole = new Run(0);
    trainWithBoth(whole, "whole", 4);
    trainWithBoth(new Run(0), "parts", 2);
    Run resumed = new Run(9);
    trainWithBoth(resumed, "parts", 4);
    for (int i = 0; i < whole.parameters().size(); i++) {
      assertThat(resumed.parameters().get(i).equal(whole.parameters().get(i))).isTrue();
    }
  }

  private void trainWithBoth(Run run, String name, long epochs) {
    History history = new History();
    run.trainer
        .listen(
            history,
            new CooperCheckpoint(folder.resolve(name + ".pth"), history),
            new Checkpoints(folder.resolve(name)))
        .fit(run.loader, epochs);
  }

  @Test
  void aHistoryThatDoesNotListenIsSaidBeforeTheFirstStep() {
    Line run = new Line(0);
    run.trainer.listen(new CooperCheckpoint(file, new History()).metric("train_loss", "loss"));
    assertThatThrownBy(() -> run.trainer.fit(run.batches, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith(file + ": the History of its CooperCheckpoint does not listen");
    assertThat(run.trainer.training().step()).isZero();
    Line withoutMetrics = new Line(0);
    withoutMetrics.trainer.listen(new CooperCheckpoint(file, new History()));
    assertThat(withoutMetrics.trainer.fit(withoutMetrics.batches, 1).step()).isEqualTo(4);
  }

  @Test
  void twoMetricsOfOneNameAreRefused() {
    CooperCheckpoint checkpoint = new CooperCheckpoint(file, new History()).metric("a", "loss");
    for (String taken : List.of("a", "batch_ix")) {
      assertThatThrownBy(() -> checkpoint.metric(taken, "max_violation"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("metric '" + taken + "'");
    }
  }

  @Test
  void whoDoesNotWriteReads() {
    Line run = new Line(0);
    run.listen(file);
    run.trainer.fit(run.batches, 1);
    Line reader = new Line(1);
    reader.listen(file).writes(false);
    assertThat(reader.trainer.fit(reader.batches, 2).step()).isEqualTo(8);
    assertThat(Checkpoint.load(file).integer("batch_ix")).isEqualTo(4);
  }

  @Test
  void twoTrainingsDoNotWriteOneFileAtATime() {
    Line run = new Line(0);
    run.listen(file);
    Line other = new Line(0);
    other.listen(file);
    run.trainer.listen(Run.everyStep(training -> other.trainer.fit(other.batches, 1)));
    assertThatThrownBy(() -> run.trainer.fit(run.batches, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith(file + ": a training that runs writes there already");
    assertThat(other.trainer.fit(other.batches, 1).step()).isEqualTo(4);
  }

  @Test
  void aPlaceWhereNothingCanBeWrittenIsSaidBeforeTheFirstStep() throws Exception {
    Files.createFile(file);
    Line run = new Line(0);
    run.listen(file.resolve("within"));
    assertThatThrownBy(() -> run.trainer.fit(run.batches, 1))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(file.resolve("within") + ": nothing can be written there");
    assertThat(run.trainer.training().step()).isZero();
  }
}
