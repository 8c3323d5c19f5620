package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.Stream;
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
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.torch.ExtraSGD;
import org.cooper4j.optim.torch.ExtraSGDOptions;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * min |x|² s.t. aᵀx = b, or aᵀx ≤ b < 0, as Cooper's tests/pipeline solve: x* = a b / |a|², λ* =
 * −2b / |a|².
 */
@EveryDevice
class NormLinearTest {
  private static final double[] A = {1, -2, 0.5, 1.5};
  private static final double B = -3;
  private static final double SQUARED = 1 + 4 + 0.25 + 2.25;

  private final Tensor x = vector(0.3, 0.3, -0.3, 1).requires_grad_(true);
  private final Tensor a = vector(A);

  private static SGDOptions sgd(double lr) {
    return new SGDOptions(lr);
  }

  private static final Map<
          String, BiFunction<ConstrainedMinimizationProblem<Void>, Tensor, CooperOptimizer<Void>>>
      OPTIMIZERS =
          Map.of(
              "simultaneous",
              (cmp, x) ->
                  new SimultaneousOptimizer<>(
                      cmp,
                      new SGD(new TensorVector(x), sgd(0.02)),
                      new SGD(cmp.dualParameters(), sgd(0.05))),
              "alternating primal-dual",
              (cmp, x) ->
                  new AlternatingPrimalDualOptimizer<>(
                      cmp,
                      new SGD(new TensorVector(x), sgd(0.02)),
                      new SGD(cmp.dualParameters(), sgd(0.05))),
              "alternating dual-primal",
              (cmp, x) ->
                  new AlternatingDualPrimalOptimizer<>(
                      cmp,
                      new SGD(new TensorVector(x), sgd(0.02)),
                      new SGD(cmp.dualParameters(), sgd(0.05))),
              "extrapolation",
              (cmp, x) ->
                  new ExtrapolationConstrainedOptimizer<>(
                      cmp,
                      new ExtraSGD(new TensorVector(x), new ExtraSGDOptions(0.02)),
                      new ExtraSGD(cmp.dualParameters(), new ExtraSGDOptions(0.05))),
              "extrapolation from the past",
              (cmp, x) ->
                  new PastExtrapolationConstrainedOptimizer<>(
                      cmp,
                      new ExtraSGD(new TensorVector(x), new ExtraSGDOptions(0.02)),
                      new ExtraSGD(cmp.dualParameters(), new ExtraSGDOptions(0.05))));

  static Stream<Arguments> combinations() {
    return OPTIMIZERS.keySet().stream()
        .sorted()
        .flatMap(
            name ->
                Stream.of(ConstraintType.values())
                    .flatMap(
                        type ->
                            Stream.of(true, false)
                                .map(augmented -> Arguments.of(name, type, augmented))));
  }

  private ConstrainedMinimizationProblem<Void> problem(Constraint constraint) {
    ConstrainedMinimizationProblem<Void> problem =
        ConstrainedMinimizationProblem.of(
            Map.of("linear", constraint),
            nothing ->
                CMPState.of(x.square().sum())
                    .observe(
                        constraint,
                        ConstraintState.builder(a.mul(x).sum().sub(new Scalar(B)))
                            .contributesToDualUpdate(constraint.multiplier().isPresent())
                            .build()));
    problem.to(device());
    return problem;
  }

  private void assertSolved(double tolerance) {
    double[] solution = new double[A.length];
    for (int i = 0; i < A.length; i++) {
      solution[i] = A[i] * B / SQUARED;
    }
    assertThat(values(x)).containsExactly(solution, within(tolerance));
  }

  @ParameterizedTest(name = "{0}, {1}, augmented {2}")
  @MethodSource("combinations")
  void variablesAndMultipliersReachTheKktPoint(
      String optimizer, ConstraintType type, boolean augmented) {
    Constraint constraint =
        new Constraint(
            type,
            augmented ? AugmentedLagrangian::new : Lagrangian::new,
            new DenseMultiplier(1),
            augmented ? new DensePenaltyCoefficient(1.0) : null);
    ConstrainedMinimizationProblem<Void> problem = problem(constraint);
    CooperOptimizer<Void> cooper = OPTIMIZERS.get(optimizer).apply(problem, x);
    for (int i = 0; i < 1500; i++) {
      cooper.roll();
    }
    assertSolved(1e-4);
    assertThat(values(problem.dualParameters().get(0)))
        .containsExactly(new double[] {-2 * B / SQUARED}, within(1e-4));
  }

  @ParameterizedTest
  @EnumSource(ConstraintType.class)
  void aGrowingQuadraticPenaltyComesClose(ConstraintType type) {
    Constraint constraint =
        new Constraint(type, QuadraticPenalty::new, null, new DensePenaltyCoefficient(vector(1)));
    var optimizer =
        new UnconstrainedOptimizer<>(problem(constraint), new SGD(new TensorVector(x), sgd(2e-4)));
    var updater = new MultiplicativePenaltyCoefficientUpdater(1.01, 1e-4, false);
    for (int i = 0; i < 30_000; i++) {
      RollOut rollOut = optimizer.roll();
      if (i % 20 == 0 && values(constraint.penaltyCoefficient().orElseThrow().value())[0] < 1000) {
        updater.step(rollOut.cmpState().observedConstraints());
      }
    }
    assertSolved(1e-3);
  }
}
