package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.EveryDevice;
import org.cooper4j.RangeConstraint;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.torch.ExtraSGD;
import org.cooper4j.optim.torch.ExtraSGDOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Cooper's users asked for and Cooper lacks. */
@EveryDevice
class BeyondCooperTest {
  /** The README's fifteen lines. */
  @Test
  void aProblemNeedsNoClass() {
    Tensor xy = vector(0, 0).requires_grad_(true);
    Constraint sum = new Constraint(EQUALITY, new DenseMultiplier(vector(0)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("sum", sum),
            batch -> CMPState.of(xy.square().sum()).observe(sum, xy.sum().sub(new Scalar(1))));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(xy), new SGDOptions(0.1)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)));
    for (int i = 0; i < 500; i++) {
      optimizer.roll();
    }
    assertThat(values(xy)).containsExactly(new double[] {0.5, 0.5}, within(1e-5));
  }

  /** min (x − c)² s.t. −1 <= x <= 2. */
  @ParameterizedTest
  @CsvSource({"-3, -1", "0.5, 0.5", "5, 2"})
  void aRangeBoundsBothSides(double c, double expected) {
    Tensor x = vector(0).requires_grad_(true);
    RangeConstraint[] range = new RangeConstraint[1];
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of(),
            batch -> range[0].observe(CMPState.of(x.sub(vector(c)).square().sum()), x.sum()));
    range[0] = RangeConstraint.register(problem, "x", -1, 2, () -> new DenseMultiplier(vector(0)));
    assertThat(problem.namedConstraints()).containsOnlyKeys("x_lower", "x_upper");
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.1)),
            new SGD(problem.dualParameters(), new SGDOptions(0.2)));
    for (int i = 0; i < 600; i++) {
      optimizer.roll();
    }
    assertThat(values(x)).containsExactly(new double[] {expected}, within(1e-4));
    assertThatThrownBy(
            () ->
                RangeConstraint.register(problem, "y", 2, 1, () -> new DenseMultiplier(vector(0))))
        .hasMessageContaining("'y': lo is 2.0 and hi is 1.0");
  }

  /** min_x max_λ xλ: simultaneous steps spiral out, extrapolation from the past spirals in. */
  @Test
  void extrapolationFromThePastSolvesABilinearGameWithOneEvaluationARoll() {
    Tensor x = vector(1).requires_grad_(true);
    DenseMultiplier multiplier = new DenseMultiplier(vector(1));
    Constraint equality = new Constraint(EQUALITY, multiplier);
    int[] evaluations = {0};
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("x", equality),
            batch -> {
              evaluations[0]++;
              return CMPState.of(x.sum().mul(new Scalar(0.0))).observe(equality, x.sum());
            });
    var optimizer =
        new PastExtrapolationConstrainedOptimizer<>(
            problem,
            new ExtraSGD(new TensorVector(x), new ExtraSGDOptions(0.3)),
            new ExtraSGD(problem.dualParameters(), new ExtraSGDOptions(0.3)));

    // Popov's recursion by hand: z₊½ = z − η F(z₋½), z₊ = z − η F(z₊½), F(x, λ) = (λ, −x).
    double[] z = {1, 1};
    double[] past = {0, 0};
    for (int i = 0; i < 300; i++) {
      optimizer.roll();
      double[] half = {z[0] - 0.3 * past[0], z[1] - 0.3 * past[1]};
      past = new double[] {half[1], -half[0]};
      z = new double[] {z[0] - 0.3 * past[0], z[1] - 0.3 * past[1]};
      assertThat(values(x)[0]).isEqualTo(z[0], within(1e-5));
      assertThat(values(multiplier.weight())[0]).isEqualTo(z[1], within(1e-5));
    }
    assertThat(evaluations[0]).isEqualTo(300);
    assertThat(Math.hypot(z[0], z[1])).isLessThan(1e-3);
  }

  private static Diagnostics.Report run(double rate, double dualRate, double level, int rolls) {
    Tensor x = vector(0.5).requires_grad_(true);
    Constraint constraint = new Constraint(INEQUALITY, new DenseMultiplier(vector(1)));
    // x² + level <= 0: out of reach for a positive level.
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("level", constraint),
            batch ->
                CMPState.of(x.sub(vector(2)).square().sum())
                    .observe(constraint, x.square().sum().add(new Scalar(level))));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(rate)),
            new SGD(problem.dualParameters(), new SGDOptions(dualRate)));
    Diagnostics diagnostics = new Diagnostics(List.of(x), 10);
    Diagnostics.Report report = null;
    for (int i = 0; i < rolls; i++) {
      report = diagnostics.update(optimizer.roll());
    }
    return report;
  }

  @Test
  void diagnosticsTellASolutionFromTrouble() {
    Diagnostics.Report solved = run(0.05, 0.1, -1, 2000);
    assertThat(solved.kktResidual()).isLessThan(1e-3);
    assertThat(solved.oscillating()).isEmpty();
    assertThat(solved.infeasible()).isEmpty();

    Diagnostics.Report unreachable = run(0.001, 0.1, 1, 400);
    assertThat(unreachable.infeasible()).containsExactly("level");
    assertThat(unreachable.infeasibility()).isGreaterThan(0.9);

    Diagnostics.Report swinging = run(0.2, 1.5, -1, 60);
    assertThat(swinging.oscillating()).containsExactly("level");
  }
}
