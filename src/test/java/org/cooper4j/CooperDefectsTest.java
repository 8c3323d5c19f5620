package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.here;
import static org.cooper4j.Devices.indices;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.Map;
import org.bytedeco.pytorch.LBFGS;
import org.bytedeco.pytorch.LBFGSOptions;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIOptions;
import org.cooper4j.penalties.AdditivePenaltyCoefficientUpdater;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.IndexedPenaltyCoefficient;
import org.junit.jupiter.api.Test;

/**
 * Where Cooper 1.0.1 is wrong; a test each. The NaN of its augmented Lagrangian at penalty 0 is in
 * {@link BackwardTest}.
 */
@EveryDevice
class CooperDefectsTest {
  private static <T extends Constraint> T registered(T constraint) {
    ConstrainedMinimizationProblem.of(Map.of("c", constraint), unused -> null);
    return constraint;
  }

  private static Constraint inequality(int constraints) {
    return registered(
        new Constraint(
            ConstraintType.INEQUALITY, new DenseMultiplier(vector(new double[constraints]))));
  }

  /** nuPI.step raises as soon as it has a second parameter group. */
  @Test
  void nuPiTakesSeveralParameterGroups() {
    Tensor a = vector(1).requires_grad_(true);
    Tensor b = vector(1).requires_grad_(true);
    NuPI nuPi = new NuPI(new TensorVector(a), new NuPIOptions(0.5));
    nuPi.addParamGroup(new TensorVector(b), new NuPIOptions(0.25));

    a.sum().add(b.sum()).backward();
    nuPi.step();

    assertThat(values(a)).containsExactly(new double[] {0.5}, within(1e-6));
    assertThat(values(b)).containsExactly(new double[] {0.75}, within(1e-6));
  }

  /** An indexed updater with has_restart raises a shape error on a subset of the constraints. */
  @Test
  void anIndexedPenaltyRestartsWhereItWasObserved() {
    IndexedPenaltyCoefficient penalty = new IndexedPenaltyCoefficient(vector(1, 1, 1));
    penalty.setValue(vector(5, 5, 5));
    Constraint constraint =
        registered(
            new Constraint(
                ConstraintType.INEQUALITY,
                AugmentedLagrangian::new,
                new IndexedMultiplier(vector(0, 0, 0)),
                penalty));
    ConstraintState state =
        ConstraintState.builder(vector(-1, 1)).constraintFeatures(indices(0, 2)).build();

    new AdditivePenaltyCoefficientUpdater(0.5, 0, true).step(Map.of(constraint, state));

    assertThat(values(penalty.value())).containsExactly(1, 5, 5.5);
  }

  /** state_dict aliases the live tensor, and forgets what a restart goes back to. */
  @Test
  void aPenaltysStateIsACopyWithItsInit() {
    DensePenaltyCoefficient penalty = new DensePenaltyCoefficient(vector(1));
    penalty.setValue(vector(4));
    Map<String, Object> state = penalty.stateDict();
    penalty.setValue(vector(9));
    DensePenaltyCoefficient other = new DensePenaltyCoefficient(vector(7));

    other.loadStateDict(state);

    assertThat(values(other.value())).containsExactly(4);
    assertThat(values(other.init())).containsExactly(1);
    assertThatCode(() -> other.loadStateDict(Map.of("value", vector(2))))
        .as("a state of Cooper's has no init")
        .doesNotThrowAnyException();
  }

  /** sanity_check_cmp_state asks for .grad before any backward, so no state passes. */
  @Test
  void aValidStatePassesTheSanityCheck() {
    Tensor x = vector(1).requires_grad_(true);
    CMPState state =
        CMPState.of(x.sum())
            .observe(
                inequality(1),
                ConstraintState.builder(x.mul(new Scalar(2.0))).strictViolation(vector(1)).build());
    assertThatCode(() -> ConstrainedMinimizationProblem.sanityCheckCMPState(state))
        .doesNotThrowAnyException();
  }

  /** One multiplier against four violations, and four against 4x3, broadcast silently. */
  @Test
  void aMultiplierDoesNotBroadcast() {
    Tensor four = vector(1, 2, 3, 4).requires_grad_(true);
    assertThatThrownBy(() -> CMPState.of(four.sum()).observe(inequality(1), four).backward())
        .hasMessageContaining("constraint 'c': violation has shape [4]");
    Tensor matrix = here(torch.ones(4, 3)).requires_grad_(true);
    assertThatThrownBy(() -> CMPState.of(matrix.sum()).observe(inequality(4), matrix).backward())
        .hasMessageContaining("constraint 'c'")
        .hasMessageContaining("[4, 3]");
    assertThat(four.grad().defined()).isFalse();
    assertThat(matrix.grad().defined()).isFalse();
  }

  /** A float64 init becomes float32. */
  @Test
  void aMultiplierKeepsTheTypeOfItsInit() {
    Tensor init = here(Tensor.create(new double[] {0.1}, 1));
    assertThat(new DenseMultiplier(init).weight().item_double()).isEqualTo(0.1);
    assertThat(new IndexedMultiplier(init).weight().item_double()).isEqualTo(0.1);
  }

  private static LBFGS lbfgs(Tensor parameter, long iterations) {
    LBFGSOptions options = new LBFGSOptions(0.5);
    options.max_iter().put(iterations);
    return new LBFGS(new TensorVector(parameter), options);
  }

  /** LBFGS as the dual optimizer raises KeyError: it has no maximize. */
  @Test
  void lbfgsIsADualOptimizerWithOneIterationARoll() {
    Tensor x = vector(0).requires_grad_(true);
    DenseMultiplier multiplier = new DenseMultiplier(vector(0.5));
    Constraint atLeastOne = new Constraint(ConstraintType.INEQUALITY, multiplier);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", atLeastOne),
            nothing ->
                CMPState.of(x.square().sum()).observe(atLeastOne, x.neg().add(new Scalar(1.0))));
    Tensor weight = multiplier.weight();
    SGD primal = new SGD(new TensorVector(x), new SGDOptions(0.1));

    for (int i = 0; i < 200; i++) {
      new SimultaneousOptimizer<>(problem, primal, lbfgs(weight, 1)).roll();
    }

    assertThat(values(x)).containsExactly(new double[] {1}, within(1e-3));
    assertThat(values(weight)).containsExactly(new double[] {2}, within(1e-2));
    assertThatThrownBy(() -> new SimultaneousOptimizer<>(problem, primal, lbfgs(weight, 20)).roll())
        .hasMessageContaining("a roll evaluates the problem once, so set max_iter to 1");
  }

  /** Not in the list, but near it: a quadratic penalty has no dual update to contribute to. */
  @Test
  void aDualUpdateWithoutAMultiplierIsNamed() {
    Tensor x = vector(1).requires_grad_(true);
    Constraint penalised =
        registered(
            new Constraint(
                ConstraintType.INEQUALITY,
                QuadraticPenalty::new,
                null,
                new DensePenaltyCoefficient(vector(1))));
    CMPState state = CMPState.of(x.sum()).observe(penalised, x.mul(new Scalar(2.0)));
    assertThatThrownBy(() -> ConstrainedMinimizationProblem.sanityCheckCMPState(state))
        .hasMessageContaining("'c'")
        .hasMessageContaining("set contributesToDualUpdate(false)");
  }
}
