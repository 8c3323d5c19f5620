package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.indices;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.Map;
import java.util.function.BiFunction;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@EveryDevice
class RangeConstraintTest {
  private static ConstrainedMinimizationProblem<Void> empty() {
    return ConstrainedMinimizationProblem.of(Map.of(), nothing -> null);
  }

  private static DenseMultiplier multiplier() {
    return new DenseMultiplier(vector(0));
  }

  private static DensePenaltyCoefficient penalty() {
    return new DensePenaltyCoefficient(vector(2));
  }

  /** min (x − c)² s.t. the range, by rolls of an optimizer. */
  private static double solve(
      double c,
      int rolls,
      Function register,
      BiFunction<ConstrainedMinimizationProblem<Void>, SGD, CooperOptimizer<Void>> optimizer) {
    Tensor x = vector(0).requires_grad_(true);
    RangeConstraint[] range = new RangeConstraint[1];
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of(), nothing -> range[0].observe(CMPState.of(x.sub(vector(c)).square().sum()), x));
    range[0] = register.apply(problem);
    var rolled = optimizer.apply(problem, new SGD(new TensorVector(x), new SGDOptions(0.1)));
    for (int i = 0; i < rolls; i++) {
      rolled.roll();
    }
    return values(x)[0];
  }

  /** Registers a range in a problem. */
  private interface Function
      extends java.util.function.Function<ConstrainedMinimizationProblem<?>, RangeConstraint> {}

  @ParameterizedTest
  @CsvSource({"-3, -1", "0.5, 0.5", "5, 2"})
  void aRangeTakesAnAugmentedLagrangian(double c, double expected) {
    double x =
        solve(
            c,
            600,
            problem ->
                RangeConstraint.register(
                    problem,
                    "x",
                    -1,
                    2,
                    AugmentedLagrangian::new,
                    RangeConstraintTest::multiplier,
                    RangeConstraintTest::penalty),
            (problem, primal) ->
                new SimultaneousOptimizer<>(
                    problem, primal, new SGD(problem.dualParameters(), new SGDOptions(0.2))));
    assertThat(x).isEqualTo(expected, within(1e-4));
  }

  /** With ½ c relu(g)² on each side, c = 2, the minimum lies between c and the bound. */
  @ParameterizedTest
  @CsvSource({"-3, -2", "0.5, 0.5", "5, 3.5"})
  void aRangeTakesAQuadraticPenaltyWithoutMultipliers(double c, double expected) {
    double x =
        solve(
            c,
            200,
            problem ->
                RangeConstraint.register(
                    problem, "x", -1, 2, QuadraticPenalty::new, null, RangeConstraintTest::penalty),
            UnconstrainedOptimizer::new);
    assertThat(x).isEqualTo(expected, within(1e-4));
  }

  @Test
  void featuresAndAStrictValueReachBothSides() {
    var problem = empty();
    var range =
        RangeConstraint.register(problem, "x", -1, 2, () -> new IndexedMultiplier(vector(0, 0, 0)));
    Tensor features = indices(2, 0);
    CMPState state =
        range.observe(
            CMPState.ofViolations(),
            ConstraintState.builder(vector(3, -4))
                .strictViolation(vector(5, 0))
                .constraintFeatures(features)
                .contributesToPrimalUpdate(false)
                .build());
    ConstraintState lower = state.observedConstraints().get(range.lower());
    ConstraintState upper = state.observedConstraints().get(range.upper());
    assertThat(values(lower.violation())).containsExactly(-4, 3);
    assertThat(values(upper.violation())).containsExactly(1, -6);
    assertThat(values(lower.strictViolation().orElseThrow())).containsExactly(-6, -1);
    assertThat(values(upper.strictViolation().orElseThrow())).containsExactly(3, -2);
    for (ConstraintState side : new ConstraintState[] {lower, upper}) {
      assertThat(side.constraintFeatures()).containsSame(features);
      assertThat(side.contributesToPrimalUpdate()).isFalse();
      assertThat(side.contributesToDualUpdate()).isTrue();
    }
  }

  @Test
  void eachSideNeedsFactorsOfItsOwn() {
    var problem = empty();
    DenseMultiplier one = multiplier();
    assertThatThrownBy(() -> RangeConstraint.register(problem, "x", 0, 1, () -> one))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "range constraint 'x': both sides were given the same multiplier; its supplier must"
                + " make a new one each time");
    DensePenaltyCoefficient coefficient = penalty();
    assertThatThrownBy(
            () ->
                RangeConstraint.register(
                    problem,
                    "x",
                    0,
                    1,
                    AugmentedLagrangian::new,
                    RangeConstraintTest::multiplier,
                    () -> coefficient))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the same penalty coefficient");
    assertThatThrownBy(
            () ->
                RangeConstraint.register(
                    problem,
                    "x",
                    0,
                    1,
                    AugmentedLagrangian::new,
                    RangeConstraintTest::multiplier,
                    null))
        .hasMessageContaining("AugmentedLagrangian expects a penalty coefficient");
    assertThat(problem.constraints()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"NaN, 1", "0, NaN", "-Infinity, 1", "0, Infinity", "2, 1"})
  void boundsThatBoundNothingAreRefused(double lo, double hi) {
    var problem = empty();
    assertThatThrownBy(
            () -> RangeConstraint.register(problem, "y", lo, hi, RangeConstraintTest::multiplier))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'y': lo is " + lo + " and hi is " + hi);
    assertThat(problem.constraints()).isEmpty();
  }

  @Test
  void aNameThatIsTakenRegistersNeitherSide() {
    var problem = empty();
    problem.register("x_upper", new Constraint(ConstraintType.INEQUALITY, multiplier()));
    assertThatThrownBy(
            () -> RangeConstraint.register(problem, "x", 0, 1, RangeConstraintTest::multiplier))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'x_upper' is registered already");
    assertThat(problem.namedConstraints()).containsOnlyKeys("x_upper");
  }
}
