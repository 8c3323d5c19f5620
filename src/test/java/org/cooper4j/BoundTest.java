package org.cooper4j;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;
import static org.cooper4j.Devices.values;

import java.util.function.Function;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values with bounds in place of violations, and problems in one expression. */
@EveryDevice
class BoundTest {
  private static Tensor doubles(double... values) {
    return Tensor.create(values, values.length).to(Devices.device(), ScalarType.Double);
  }

  private static Constraint constraint(ConstraintType type) {
    return new Constraint(type, new DenseMultiplier(doubles(2)));
  }

  private final Constraint inequality = constraint(INEQUALITY);
  private final Constraint equality = constraint(EQUALITY);
  private final Tensor value = doubles(0.5, 3).requires_grad_(true);
  private final CMPState state = CMPState.ofViolations();

  BoundTest() {
    ConstrainedMinimizationProblem.of(
        batch -> CMPState.ofViolations(), entry("most", inequality), entry("exact", equality));
  }

  private double[] violation(Constraint constraint) {
    return values(state.observedConstraints().get(constraint).violation());
  }

  /** The gradients of value and bound through the sum of the violations. */
  private double[][] gradients(Constraint constraint, Tensor bound) {
    state.observedConstraints().get(constraint).violation().sum().backward();
    return new double[][] {values(value.grad()), values(bound.grad())};
  }

  @Test
  void anUpperBoundIsExceededByTheValueMinusIt() {
    state.lessOrEqual(inequality, value, 1);
    assertThat(violation(inequality)).containsExactly(-0.5, 2);
  }

  @Test
  void aLowerBoundIsMissedByItMinusTheValue() {
    state.greaterOrEqual(inequality, value, 1);
    assertThat(violation(inequality)).containsExactly(0.5, -2);
  }

  @Test
  void anEqualityIsMissedByTheValueMinusTheBound() {
    state.equal(equality, value, 1);
    assertThat(violation(equality)).containsExactly(-0.5, 2);
  }

  @Test
  void gradientsFlowThroughValueAndBound() {
    Tensor bound = doubles(1, 2).requires_grad_(true);
    state.lessOrEqual(inequality, value, bound);
    assertThat(violation(inequality)).containsExactly(-0.5, 1);
    assertThat(gradients(inequality, bound)).isDeepEqualTo(new double[][] {{1, 1}, {-1, -1}});
  }

  @Test
  void gradientsOfALowerBoundHaveTheOtherSigns() {
    Tensor bound = doubles(1, 2).requires_grad_(true);
    state.greaterOrEqual(inequality, value, bound);
    assertThat(violation(inequality)).containsExactly(0.5, -1);
    assertThat(gradients(inequality, bound)).isDeepEqualTo(new double[][] {{-1, -1}, {1, 1}});
  }

  @Test
  void oneBoundServesAllElements() {
    Tensor bound = doubles(1).requires_grad_(true);
    state.equal(equality, value, bound);
    assertThat(violation(equality)).containsExactly(-0.5, 2);
    assertThat(gradients(equality, bound)).isDeepEqualTo(new double[][] {{1, 1}, {-2}});
  }

  private void assertRefused(Runnable observation, String... messages) {
    assertThatThrownBy(observation::run)
        .isInstanceOf(IllegalArgumentException.class)
        .message()
        .contains(messages);
    assertThat(state.observedConstraints()).isEmpty();
  }

  @Test
  void aConstraintOfTheOtherTypeIsRefusedByName() {
    assertRefused(
        () -> state.lessOrEqual(equality, value, 1),
        "constraint 'exact' is an EQUALITY, but lessOrEqual observes an INEQUALITY; use equal");
    assertRefused(
        () -> state.greaterOrEqual(equality, value, doubles(1)),
        "constraint 'exact' is an EQUALITY, but greaterOrEqual observes an INEQUALITY");
    assertRefused(
        () -> state.equal(inequality, value, 1),
        "constraint 'most' is an INEQUALITY, but equal observes an EQUALITY; use lessOrEqual or"
            + " greaterOrEqual, or make it a Constraint(EQUALITY, …)");
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void aBoundThatIsNoNumberIsRefused(double bound) {
    assertRefused(
        () -> state.lessOrEqual(inequality, value, bound),
        "constraint 'most': the bound is " + bound + "; expected a finite number");
  }

  @Test
  void tensorsThatDoNotFitAreRefused() {
    Tensor column = doubles(1, 2).reshape(2, 1);
    assertRefused(
        () -> state.lessOrEqual(inequality, value, column),
        "constraint 'most': its value has shape [2], the bound [2, 1]");
    assertRefused(
        () -> state.equal(equality, value, doubles(1, 2, 3)), "has shape [2], the bound [3]");
    assertRefused(
        () -> state.lessOrEqual(inequality, value.gt(value), 1), "its value is bool; expected");
    assertRefused(
        () -> state.lessOrEqual(inequality, value, value.to(ScalarType.Long)),
        "the bound is int64; expected");
    assertRefused(() -> state.lessOrEqual(inequality, null, 1), "its value is null");
    assertRefused(() -> state.equal(equality, value, null), "the bound is null");
    assertRefused(
        () ->
            state.equal(equality, value, value.detach().to(new Device("meta"), ScalarType.Double)),
        "its value is on ",
        "the bound on meta");
    Tensor closed = doubles(1);
    closed.close();
    assertRefused(() -> state.equal(equality, closed, 1), "its value was released");
  }

  @Test
  void sparseTensorsAreRefused() {
    Tensor sparse = value.detach().to_sparse();
    for (Tensor each : new Tensor[] {sparse, value.detach().reshape(1, 2).to_sparse_csr()}) {
      assertRefused(
          () -> state.lessOrEqual(inequality, each, 1),
          "constraint 'most': its value is a sparse tensor; give a dense one, as to_dense()");
      assertRefused(() -> state.equal(equality, each, value), "its value is a sparse tensor");
    }
    assertRefused(() -> state.equal(equality, value, sparse), "the bound is a sparse tensor");
  }

  @Test
  void aConstraintThatIsNullIsNamedAsSuch() {
    for (Runnable observation :
        new Runnable[] {
          () -> state.lessOrEqual(null, value, 1),
          () -> state.greaterOrEqual(null, value, value),
          () -> state.equal(null, value, 1),
          () -> state.observe(null, value),
          () -> state.observe(null, (Tensor) null)
        }) {
      assertThatThrownBy(observation::run)
          .isInstanceOf(NullPointerException.class)
          .hasMessageContaining("the constraint is null; give one of those");
    }
    assertThat(state.observedConstraints()).isEmpty();
  }

  /** min x² + y² under one constraint. */
  private static double[] solve(Function<Tensor, CMPState> evaluate, Constraint sum) {
    Tensor xy = torch.zeros(2).to(Devices.device(), ScalarType.Double).requires_grad_(true);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(batch -> evaluate.apply(xy), entry("sum", sum));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(xy), new SGDOptions(0.1)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)));
    for (int i = 0; i < 500; i++) {
      optimizer.roll();
    }
    return values(xy);
  }

  @ParameterizedTest
  @EnumSource(ConstraintType.class)
  void aBoundTrainsAsItsViolation(ConstraintType type) {
    Constraint bounded = constraint(type);
    Constraint violated = constraint(type);
    double[] byBound =
        solve(
            xy -> {
              CMPState state = CMPState.of(xy.square().sum());
              return type == EQUALITY
                  ? state.equal(bounded, xy.sum(), 1)
                  : state.greaterOrEqual(bounded, xy.sum(), 1);
            },
            bounded);
    double[] byViolation =
        solve(
            xy -> {
              Tensor gap = xy.sum().sub(new Scalar(1));
              return CMPState.of(xy.square().sum())
                  .observe(violated, type == EQUALITY ? gap : gap.neg());
            },
            violated);
    assertThat(byBound).containsExactly(byViolation);
    assertThat(byBound[0]).isBetween(0.499, 0.501);
  }

  @Test
  void aProblemOfOneExpressionKeepsTheOrderOfItsConstraints() {
    Constraint z = constraint(INEQUALITY);
    Constraint a = constraint(EQUALITY);
    Constraint m = constraint(INEQUALITY);
    var problem =
        ConstrainedMinimizationProblem.of(
            batch -> CMPState.ofViolations(), entry("z", z), entry("a", a), entry("m", m));
    assertThat(problem.namedConstraints())
        .containsExactly(entry("z", z), entry("a", a), entry("m", m));
    assertThat(problem.dualParameters().size()).isEqualTo(3);
    assertThat(problem.dualParameters().get(1))
        .isSameAs(a.multiplier().orElseThrow().parameters().get(0));
  }

  @Test
  void aProblemThatCannotBeMadeLeavesItsConstraintsFree() {
    Constraint first = constraint(INEQUALITY);
    Constraint second = constraint(INEQUALITY);
    assertThatThrownBy(
            () ->
                ConstrainedMinimizationProblem.of(
                    batch -> CMPState.ofViolations(), entry("a", first), entry("a", second)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a constraint named 'a' is registered already");
    assertThatThrownBy(
            () ->
                ConstrainedMinimizationProblem.of(
                    batch -> CMPState.ofViolations(), entry("a", first), entry("m", inequality)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'most' is registered already");
    assertThat(first.name()).isEmpty();
    assertThat(inequality.name()).contains("most");
    ConstrainedMinimizationProblem.of(
        batch -> CMPState.ofViolations(), entry("a", first), entry("b", second));
    assertThat(second.name()).contains("b");
  }
}
