package org.cooper4j.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.data.Batch;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.NotFiniteException;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
  /** min x², x ≥ 1; what is added to the loss is given step by step. */
  private static final class Scalars {
    final Tensor x = torch.zeros(1).requires_grad_(true);
    final List<Double> evaluated = new ArrayList<>();
    final Constraint atLeastOne = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1));
    final Trainer<Double> trainer;

    Scalars(double rate) {
      ConstrainedMinimizationProblem<Double> problem =
          ConstrainedMinimizationProblem.of(
              Map.of("one", atLeastOne),
              added -> {
                evaluated.add(x.item_double());
                Tensor loss = x.square().sum();
                return CMPState.of(added == null ? loss : loss.add(new Scalar(added)))
                    .observe(atLeastOne, x.neg().add(new Scalar(1)));
              });
      trainer =
          new Trainer<>(
                  new SimultaneousOptimizer<>(
                      problem,
                      new SGD(new TensorVector(x), new SGDOptions(rate)),
                      new SGD(problem.dualParameters(), new SGDOptions(rate))))
              .variable("x", x);
    }
  }

  /** Tells what it hears. */
  private record Voice(String name, List<String> heard) implements TrainingListener {
    private void hear(String what) {
      heard.add(name + " " + what);
    }

    @Override
    public void start(Training training) {
      hear("start");
    }

    @Override
    public void step(Training training, RollOut rollOut) {
      hear("step " + training.step());
    }

    @Override
    public void epochEnd(Training training) {
      hear("epoch " + training.epoch() + " ends");
    }

    @Override
    public void numbers(Training training, Map<String, Double> numbers) {
      hear("numbers " + numbers.keySet());
    }

    @Override
    public void end(Training training) {
      hear("end");
    }
  }

  @Test
  void listenersAreCalledInTheirOrder() {
    List<String> heard = new ArrayList<>();
    Scalars run = new Scalars(0.1);
    run.trainer.listen(
        new Voice("a", heard),
        new Validation<>(training -> Map.of("k", 1.0)),
        new Voice("b", heard));
    Training end = run.trainer.fit(List.of(0.0, 0.0), 1);
    assertThat(heard)
        .containsExactly(
            "a start",
            "b start",
            "a step 1",
            "b step 1",
            "a step 2",
            "b step 2",
            "a epoch 0 ends",
            "a numbers [validation/k]",
            "b numbers [validation/k]",
            "b epoch 0 ends",
            "a end",
            "b end");
    assertThat(end.stopReason()).isEmpty();
    assertThat(end.failure()).isEmpty();
    assertThat(end.batches()).isEqualTo(OptionalLong.of(2));
  }

  @Test
  void aListenerThatThrowsEndsTheRunWithEveryOthersEnd() {
    List<String> heard = new ArrayList<>();
    Scalars run = new Scalars(0.1);
    run.trainer.listen(
        new Voice("a", heard),
        new TrainingListener() {
          @Override
          public void step(Training training, RollOut rollOut) {
            throw new IllegalStateException("first");
          }

          @Override
          public void end(Training training) {
            assertThat(training.failure()).isPresent();
            throw new IllegalStateException("second");
          }
        },
        new Voice("b", heard));
    assertThatThrownBy(() -> run.trainer.fitSteps(3))
        .hasMessage("first")
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
    assertThat(heard).containsExactly("a start", "b start", "a step 1", "a end", "b end");
    run.trainer.training().stop("nothing, since it does not run");
  }

  @Test
  void fitIsTheLoopThatOneWouldWrite() {
    Run byHand = new Run(0);
    for (int epoch = 0; epoch < 2; epoch++) {
      for (Batch batch : byHand.loader) {
        byHand.optimizer.roll(batch);
      }
    }
    Run fitted = new Run(0);
    Training end = fitted.trainer.fit(fitted.loader, 2);
    assertThat(end.step()).isEqualTo(2 * Run.BATCHES);
    assertThat(end.epoch()).isEqualTo(2);
    States.assertEqual(StateDict.of(fitted.model), StateDict.of(byHand.model));
    assertThat(fitted.problem.evaluations).isEqualTo(byHand.problem.evaluations);
  }

  @Test
  void batchesThatGiveNoneAreSaidToBeThose() {
    Scalars run = new Scalars(0.1);
    var once = List.of(0.0, 0.0).iterator();
    assertThatThrownBy(() -> run.trainer.fitSteps(() -> once, 5))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("epoch 1 has no batches");
    assertThatThrownBy(() -> new Scalars(1).trainer.fit(List.of(), 1))
        .hasMessageContaining("epoch 0 has no batches");
  }

  @Test
  void aNameThatNobodyMeasuresIsAnErrorThatNamesThoseThatAre() {
    for (TrainingListener judge :
        List.of(new BestFeasible("valid"), EarlyStopping.feasiblePlateau(3).of("valid"))) {
      Scalars run = new Scalars(0.1);
      run.trainer.listen(new Validation<>(training -> Map.of("loss", 1.0)), judge);
      assertThatThrownBy(() -> run.trainer.fit(List.of(0.0), 2))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("judges by 'valid/loss'")
          .hasMessageContaining("[validation]");
      Scalars seldom = new Scalars(0.1);
      Validation<Double> rare =
          new Validation<Double>(training -> Map.of("loss", 1.0)).named("valid").everySteps(100);
      seldom.trainer.listen(rare, judge).fit(List.of(0.0), 2);

      Scalars alone = new Scalars(0.1);
      assertThatThrownBy(() -> alone.trainer.listen(judge).fit(List.of(0.0), 2))
          .hasMessageContaining("valid/loss");
    }
  }

  @Test
  void aTrainerIsNotStartedInItself() {
    Scalars run = new Scalars(0.1);
    run.trainer.listen(
        new TrainingListener() {
          @Override
          public void start(Training training) {
            run.trainer.fitSteps(1);
          }
        });
    assertThatThrownBy(() -> run.trainer.fitSteps(1)).hasMessageContaining("is training");
  }

  @Test
  void everyNumberHasItsName() {
    Run run = new Run(0);
    History history = new History(4);
    run.trainer.listen(history).fit(run.loader, 2);
    assertThat(history.names())
        .containsExactly(
            "loss",
            "violation/bound",
            "multiplier/bound",
            "penalty/bound",
            "max_violation",
            "mean");
    assertThat(history.steps("loss")).containsExactly(4, 8, 12);
    assertThat(history.last("loss"))
        .isEqualTo(run.trainer.training().values().loss().orElseThrow());
    assertThatThrownBy(() -> history.values("accuracy"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("accuracy", "loss");
    assertThatThrownBy(() -> new History(0)).hasMessageContaining("at least 1");
    assertThatThrownBy(() -> history.loadStateDict(Map.of("loss", 3L)))
        .hasMessageContaining("loss: expected step and value");
    assertThat(history.values("loss")).hasSize(3);
  }

  @Test
  void theBestFeasibleIterateOfRollsIsRestored() {
    Scalars run = new Scalars(0.3);
    BestFeasible best = new BestFeasible().tolerance(0.01);
    History history = new History();
    run.trainer.listen(history, best).fitSteps(60);
    int expected = -1;
    for (int i = 0; i < 60; i++) {
      double x = run.evaluated.get(i);
      boolean feasible = 1 - x <= 0.01;
      if (feasible && (expected < 0 || x <= run.evaluated.get(expected))) {
        expected = i;
      }
    }
    assertThat(expected).isPositive();
    assertThat(best.step()).hasValue(expected);
    assertThat(best.violation()).hasValue(0);
    assertThat(run.x.item_double()).isEqualTo(run.evaluated.get(expected));
    assertThat(best.loss().orElseThrow()).isEqualTo(history.values("loss")[expected]);
  }

  @Test
  void withoutAFeasibleIterateTheLeastInfeasibleIsBest() {
    Scalars run = new Scalars(0.01);
    BestFeasible best = new BestFeasible();
    run.trainer.listen(best).fitSteps(5);
    assertThat(best.violation().orElseThrow()).isPositive();
    assertThat(best.step()).hasValue(4);
    assertThat(run.x.item_double()).isEqualTo(run.evaluated.get(4));
  }

  @Test
  void aPlateauIsOneOfFeasibleIterates() {
    Scalars run = new Scalars(0.3);
    Training end =
        run.trainer.listen(EarlyStopping.feasiblePlateau(50).tolerance(0.01)).fitSteps(10_000);
    assertThat(end.stopReason()).contains("no better feasible iterate in 50");
    assertThat(run.evaluated.stream().filter(x -> 1 - x <= 0.01)).isNotEmpty();
    Scalars never = new Scalars(0.01);
    end = never.trainer.listen(EarlyStopping.feasiblePlateau(3)).fitSteps(20);
    assertThat(end.stopReason()).isEmpty();
  }

  @Test
  void aRunStopsNearAKktPoint() {
    Scalars run = new Scalars(0.1);
    Training end = run.trainer.listen(EarlyStopping.kktResidual(1e-3)).fitSteps(10_000);
    assertThat(end.stopReason()).contains("the KKT residual is at most 0.001");
    assertThat(end.step()).isLessThan(1000);
    assertThat(run.x.item_double()).isCloseTo(1, within(2e-3));
    assertThatThrownBy(() -> EarlyStopping.kktResidual(Double.NaN)).hasMessageContaining("> 0");
  }

  @Test
  void nanStopsTheRunWhereItWasStillGood() {
    List<Double> batches = List.of(0.0, 0.0, 0.0, 0.0, 0.0, Double.NaN, 0.0);
    Scalars run = new Scalars(0.1);
    History history = new History();
    Training end = run.trainer.listen(history, new StopOnNaN(2)).fit(batches, 1);
    assertThat(end.stopReason().orElseThrow())
        .contains("after step 5", "the loss is NaN", "back as after step 4");
    assertThat(end.step()).isEqualTo(4);
    assertThat(run.x.item_double()).isEqualTo(run.evaluated.get(4));
    assertThat(history.steps("loss")).containsExactly(1, 2, 3, 4);

    Scalars without = new Scalars(0.1);
    assertThatThrownBy(() -> without.trainer.fit(batches, 1))
        .isInstanceOf(NotFiniteException.class);
  }

  @Test
  void evaluationLeavesModesAndGradientsAsTheyWere() {
    Run run = new Run(0);
    run.model.dropout.eval();
    Map<String, Double> numbers = run.trainer.evaluate(run.validation);
    assertThat(run.model.is_training()).isTrue();
    assertThat(run.model.dropout.is_training()).isFalse();
    run.model.train(true);
    assertThat(run.trainer.evaluate(run.validation)).isNotEmpty();
    assertThat(run.model.dropout.is_training()).isTrue();
    run.problem.failAt = run.problem.evaluations + 2;
    assertThatThrownBy(() -> run.trainer.evaluate(run.validation)).hasMessage("the data ended");
    assertThat(run.model.dropout.is_training()).isTrue();
    assertThat(run.parameters().get(0).sum().requires_grad()).isTrue();
    assertThat(run.parameters().get(0).grad().defined()).isFalse();
    assertThat(numbers).containsOnlyKeys("loss", "violation/bound", "max_violation", "mean");
  }

  /** The same as over one batch of all, up to rounding, though the last batch is smaller. */
  @Test
  void evaluationWeighsBatchesByTheirSize() {
    Run run = new Run(0);
    Map<String, Double> parts = run.trainer.evaluate(run.validation);
    try (var data = Run.data()) {
      Map<String, Double> whole =
          run.trainer.evaluate(List.of(new Batch(data.inputs(), data.targets())));
      whole.forEach((name, value) -> assertThat(parts.get(name)).isCloseTo(value, within(1e-6)));
    }
    assertThatThrownBy(() -> run.trainer.evaluate(List.of())).hasMessageContaining("no batches");
  }

  @Test
  void aValidationJudgesForOthers() {
    Run run = new Run(0);
    BestFeasible best = new BestFeasible("validation").tolerance(1);
    History history = new History(1000);
    run.trainer.listen(new Validation<>(run.problem, run.validation), history, best);
    run.trainer.fit(run.loader, 4);
    assertThat(history.steps("validation/loss")).containsExactly(6, 12, 18, 24);
    double now = run.trainer.evaluate(Run.loader(1)).get("loss");
    assertThat(now).isCloseTo(best.loss().orElseThrow(), within(1e-6));
  }

  /** What the package's description shows. */
  @Test
  void allListenersWorkTogether(@TempDir Path folder) {
    Run run = new Run(0);
    History history = new History(10);
    Training end =
        new Trainer<>(run.optimizer)
            .module("model", run.model)
            .listen(
                Stepped.everyEpoch(run.scheduler),
                new Validation<>(run.problem, run.validation),
                EarlyStopping.feasiblePlateau(3).of("validation"),
                new BestFeasible("validation"),
                new StopOnNaN(),
                history,
                new ProgressBar((PrintStream) null),
                new Checkpoints(folder))
            .fit(run.loader, 20);
    assertThat(end.step()).isPositive();
    assertThat(history.values("validation/loss")).hasSize((int) end.epoch());
    assertThat(new Checkpoints(folder).files()).hasSize(2);
  }

  @Test
  void theBarIsQuietWithoutATerminal() {
    Run run = new Run(0);
    run.trainer.listen(new ProgressBar((PrintStream) null)).fit(run.loader, 1);
    assertThat(run.trainer.training().step()).isEqualTo(Run.BATCHES);
  }

  @Test
  void aBarOnATerminalShowsEveryEpoch() {
    Run run = new Run(0);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (PrintStream terminal = new PrintStream(out, true, UTF_8)) {
      run.trainer.listen(new ProgressBar(terminal)).fit(run.loader, 2);
    }
    assertThat(out.toString(UTF_8)).contains("epoch 1 100%", "epoch 2 100%", "6/6", "loss ");
  }

  @Test
  void aListenerThatIsGivenTwiceIsRefused() {
    Scalars scalars = new Scalars(0.1);
    History history = new History();
    assertThatThrownBy(() -> scalars.trainer.listen(history, new History(), history))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("given twice");
    scalars.trainer.listen(history).fitSteps(2);
    assertThat(history.steps("loss")).containsExactly(1, 2);
    assertThatThrownBy(() -> scalars.trainer.listen(history))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void fewerThanNoEpochsOrStepsAreRefused() {
    Scalars scalars = new Scalars(0.1);
    assertThatThrownBy(() -> scalars.trainer.fit(List.of(0.0), -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("epochs is -1");
    assertThatThrownBy(() -> scalars.trainer.fitSteps(-2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("steps is -2");
    assertThat(scalars.trainer.fit(List.of(0.0), 0).step()).isZero();
  }

  @Test
  void aLossThatIsNullIsNamed() {
    assertThatThrownBy(() -> CMPState.of(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessageStartingWith("the loss is null");
  }
}
