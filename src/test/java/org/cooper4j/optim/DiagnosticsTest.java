package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;
import static org.cooper4j.Devices.indices;
import static org.cooper4j.Devices.vector;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.EveryDevice;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.multipliers.Multiplier;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@EveryDevice
class DiagnosticsTest {
  private static final Scalar ZERO = new Scalar(0.0);

  /** Whether x of min_x max_λ xλ was said to oscillate in some of the rolls. */
  private static boolean oscillates(double rate, int window, int rolls) {
    Tensor x = vector(1).requires_grad_(true);
    Constraint zero = new Constraint(EQUALITY, new DenseMultiplier(vector(0)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("zero", zero), nothing -> CMPState.of(x.sum().mul(ZERO)).observe(zero, x.sum()));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(rate)),
            new SGD(problem.dualParameters(), new SGDOptions(rate)));
    Diagnostics diagnostics = new Diagnostics(List.of(x), window);
    boolean found = false;
    for (int i = 0; i < rolls; i++) {
      found |= diagnostics.update(optimizer.roll()).oscillating().contains("zero");
    }
    return found;
  }

  /** A swing takes 2π / rate steps: 6 to 314, and grows by rate² / 2 a step. */
  @ParameterizedTest
  @CsvSource({"1.5, 20, 60", "1.5, 2000, 60", "0.5, 20, 100", "0.1, 20, 400", "0.02, 20, 1600"})
  void aGrowingSwingIsFoundWhateverTheWindow(double rate, int window, int rolls) {
    assertThat(oscillates(rate, window, rolls)).isTrue();
  }

  /** Feeds violations that do not depend on the problem. */
  private static final class Given {
    private final Tensor x = vector(1).requires_grad_(true);
    private final Constraint constraint;
    private final ConstrainedMinimizationProblem<ConstraintState> problem;
    private final SimultaneousOptimizer<ConstraintState> optimizer;
    private final Diagnostics diagnostics = new Diagnostics(List.of(x), 10);

    Given(Multiplier multiplier) {
      constraint = new Constraint(INEQUALITY, multiplier);
      problem =
          ConstrainedMinimizationProblem.of(
              Map.of("given", constraint),
              state -> CMPState.of(x.square().sum()).observe(constraint, state));
      optimizer =
          new SimultaneousOptimizer<>(
              problem,
              new SGD(new TensorVector(x), new SGDOptions(0.01)),
              new SGD(problem.dualParameters(), new SGDOptions(0.01)));
    }

    /** A surrogate that is always 0 leaves the primal side alone. */
    Diagnostics.Report observe(Tensor strict, Tensor features) {
      return diagnostics.update(
          optimizer.roll(
              ConstraintState.builder(x.sum().mul(ZERO).expand(strict.numel()))
                  .strictViolation(strict)
                  .constraintFeatures(features)
                  .build()));
    }
  }

  @Test
  void anEntryIsNotHiddenByLargerOnes() {
    Given swinging = new Given(new DenseMultiplier(vector(0, 0, 0)));
    Given stuck = new Given(new DenseMultiplier(vector(0, 0, 0)));
    Diagnostics.Report report = null;
    for (int i = 0; i < 200; i++) {
      report = swinging.observe(vector(-5, Math.sin(i / 5.), -3), null);
    }
    assertThat(report.oscillating()).containsExactly("given");
    for (int i = 0; i < 30; i++) {
      report = stuck.observe(vector(-5, 0.5, -3), null);
      assertThat(report.oscillating()).isEmpty();
    }
    assertThat(report.infeasible()).containsExactly("given");
    assertThat(report.infeasibility()).isEqualTo(0.5);
    for (int i = 0; i < 30; i++) {
      report = stuck.observe(vector(-5, Math.pow(0.98, i), -3), null);
    }
    assertThat(report.infeasible()).as("less and less violated").isEmpty();
  }

  @Test
  void rowsOfAnIndexedConstraintAreToldApart() {
    Given steady = new Given(new IndexedMultiplier(vector(0, 0)));
    Given swinging = new Given(new IndexedMultiplier(vector(0, 0)));
    for (int i = 0; i < 300; i++) {
      // Their signs alternate from batch to batch, but each row keeps its own.
      int row = i % 2;
      assertThat(steady.observe(vector(row == 0 ? 1 : -1), indices(row)).oscillating()).isEmpty();
    }
    Diagnostics.Report report = null;
    for (int i = 0; i < 300; i++) {
      int row = i % 2;
      report = swinging.observe(vector(row == 0 ? Math.sin(i / 10.) : -7), indices(row));
    }
    assertThat(report.oscillating()).containsExactly("given");
  }

  @Test
  void anEmptyObservationIsNone() {
    Given given = new Given(new IndexedMultiplier(vector(0, 0)));
    given.observe(vector(1, 2), indices(0, 1));
    Diagnostics.Report report = given.observe(vector(), indices());
    assertThat(report.infeasibility()).isZero();
    assertThat(report.complementarity()).isZero();
    assertThat(given.observe(vector(1, 2), indices(0, 1)).infeasibility()).isEqualTo(2);
  }

  @Test
  void aConstraintOfManyEntriesIsReadWhole() {
    double[] many = new double[2500];
    many[1234] = 3;
    Given given = new Given(new DenseMultiplier(vector(new double[2500])));
    given.observe(vector(many), null);
    Diagnostics.Report report = given.observe(vector(many), null);
    assertThat(report.infeasibility()).isEqualTo(3);
    assertThat(report.complementarity()).isBetween(0.089, 0.091);
  }

  /** Mini-batches: the violation is noise about 0 once the constraint holds with equality. */
  @Test
  void noiseAtASolutionIsNoSwing() {
    Random random = new Random(0);
    Tensor x = vector(0).requires_grad_(true);
    Constraint atLeast = new Constraint(INEQUALITY, new DenseMultiplier(vector(0)));
    var problem =
        ConstrainedMinimizationProblem.<Tensor>of(
            Map.of("atLeast", atLeast),
            noise -> CMPState.of(x.square().sum()).observe(atLeast, noise.sub(x).sum()));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.05)),
            new SGD(problem.dualParameters(), new SGDOptions(0.05)));
    Diagnostics diagnostics = new Diagnostics(List.of(x), 20);
    for (int i = 0; i < 3000; i++) {
      RollOut rollOut = optimizer.roll(vector(1 + 0.3 * random.nextGaussian()));
      Diagnostics.Report report = diagnostics.update(rollOut);
      assertThat(report.oscillating()).isEmpty();
      assertThat(report.infeasible()).isEmpty();
    }
  }

  @Test
  void aRollOutIsReadBeforeTheNextRoll() {
    Tensor x = vector(1).requires_grad_(true);
    Constraint penalised =
        new Constraint(
            EQUALITY, QuadraticPenalty::new, null, new DensePenaltyCoefficient(vector(1)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("penalised", penalised),
            nothing ->
                CMPState.of(x.square().sum())
                    .observe(
                        penalised,
                        ConstraintState.builder(x.sub(new Scalar(3.0)))
                            .contributesToDualUpdate(false)
                            .build()));
    var optimizer =
        new UnconstrainedOptimizer<>(problem, new SGD(new TensorVector(x), new SGDOptions(0.1)));
    Diagnostics diagnostics = new Diagnostics(List.of(x), 4);
    RollOut first = optimizer.roll();
    assertThat(diagnostics.update(first).infeasibility()).isEqualTo(2);
    optimizer.roll();
    assertThatThrownBy(() -> diagnostics.update(first))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("released by the next roll");
  }

  @Test
  void whatCannotBeWatchedIsRefused() {
    Tensor x = vector(1);
    assertThatThrownBy(() -> new Diagnostics(List.of(x), 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("window is 3");
    Supplier<Diagnostics> watch = () -> new Diagnostics(List.of(vector(2), x), 4);
    assertThat(watch.get()).isNotNull();
    x.close();
    assertThatThrownBy(watch::get)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("primal variable 1 was released");
  }

  @Test
  void aWatchWorksInEveryPointerScope() {
    for (int trial = 0; trial < 2; trial++) {
      try (PointerScope scope = new PointerScope()) {
        Tensor x = vector(2).requires_grad_(true);
        Constraint c = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(vector(0)));
        var problem =
            ConstrainedMinimizationProblem.<Void>of(
                Map.of("c", c), unused -> CMPState.of(x.square().sum()).observe(c, x));
        var optimizer =
            new SimultaneousOptimizer<>(
                problem,
                new SGD(new TensorVector(x), new SGDOptions(0.1)),
                new SGD(problem.dualParameters(), new SGDOptions(0.1)));
        assertThat(new Diagnostics(List.of(x), 4).update(optimizer.roll()).infeasibility())
            .isEqualTo(2);
      }
    }
  }
}
