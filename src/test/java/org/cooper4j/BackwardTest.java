package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Formulation;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@EveryDevice
class BackwardTest {
  private static final Map<String, Function<ConstraintType, Formulation>> FORMULATIONS =
      Map.of(
          "Lagrangian", Lagrangian::new,
          "QuadraticPenalty", QuadraticPenalty::new,
          "AugmentedLagrangian", AugmentedLagrangian::new);

  private static Constraint constraint(String formulation, ConstraintType type) {
    Formulation probe = FORMULATIONS.get(formulation).apply(type);
    Constraint constraint =
        new Constraint(
            type,
            FORMULATIONS.get(formulation),
            probe.expectsMultiplier() ? new DenseMultiplier(vector(0.5, 0, 2)) : null,
            probe.expectsPenaltyCoefficient()
                ? new DensePenaltyCoefficient(vector(0.1, 3, 0))
                : null);
    ConstrainedMinimizationProblem.of(Map.of("c", constraint), unused -> null);
    return constraint;
  }

  private static CMPState state(Tensor x, Constraint constraint) {
    Tensor violation = x.mul(x).sub(new Scalar(1.0));
    ConstraintState.Builder observed = ConstraintState.builder(violation);
    observed.contributesToDualUpdate(constraint.multiplier().isPresent());
    return CMPState.of(x.exp().sum()).observe(constraint, observed.build());
  }

  @ParameterizedTest
  @CsvSource({
    "Lagrangian, EQUALITY", "Lagrangian, INEQUALITY",
    "QuadraticPenalty, EQUALITY", "QuadraticPenalty, INEQUALITY",
    "AugmentedLagrangian, EQUALITY", "AugmentedLagrangian, INEQUALITY",
  })
  void manyRootsGiveTheGradientOfTheAssembledLagrangian(String formulation, ConstraintType type) {
    Constraint constraint = constraint(formulation, type);
    Tensor assembled = vector(-1.5, 0.3, 2).requires_grad_(true);
    Tensor lagrangian =
        state(assembled, constraint).computePrimalLagrangian().lagrangian().orElseThrow();
    lagrangian.backward();

    Tensor fused = vector(-1.5, 0.3, 2).requires_grad_(true);
    CMPState.Lagrangians both = state(fused, constraint).backward();

    assertThat(values(fused.grad())).containsExactly(values(assembled.grad()), within(1e-5));
    assertThat(both.primal().lagrangian().orElseThrow().item_float())
        .isEqualTo(lagrangian.item_float(), within(1e-4f));
  }

  @Test
  void dualGradientIsTheNegatedStrictViolation() {
    DenseMultiplier multiplier = new DenseMultiplier(vector(1, 1));
    Constraint constraint = new Constraint(ConstraintType.INEQUALITY, multiplier);
    ConstrainedMinimizationProblem.of(Map.of("proxy", constraint), unused -> null);
    Tensor x = vector(3, 4).requires_grad_(true);
    ConstraintState proxy =
        ConstraintState.builder(x.mul(new Scalar(2.0))).strictViolation(vector(0.25, -7)).build();

    CMPState.of(x.sum()).observe(constraint, proxy).backward();

    assertThat(values(multiplier.weight().grad())).containsExactly(-0.25, 7);
    assertThat(values(x.grad())).containsExactly(3, 3);
  }

  @Test
  void augmentedLagrangianWithoutPenaltyIsTheLagrangian() {
    Tensor x = vector(-1.5, 0.3, 2).requires_grad_(true);
    Constraint constraint =
        new Constraint(
            ConstraintType.INEQUALITY,
            AugmentedLagrangian::new,
            new DenseMultiplier(vector(0.5, 0, 2)),
            new DensePenaltyCoefficient(vector(0)));
    ConstrainedMinimizationProblem.of(Map.of("c", constraint), unused -> null);

    CMPState.Lagrangians lagrangians = state(x, constraint).backward();

    float expected = torch.exp(x).sum().item_float() + 0.5f * 1.25f + 2 * 3;
    assertThat(lagrangians.primal().lagrangian().orElseThrow().item_float())
        .isEqualTo(expected, within(1e-5f));
    assertThat(values(x.grad())).doesNotContain(Double.NaN);
  }

  @Test
  void aWrongStateNamesTheConstraintAndChangesNothing() {
    DenseMultiplier multiplier = new DenseMultiplier(vector(0));
    Constraint norm = new Constraint(ConstraintType.INEQUALITY, multiplier);
    ConstrainedMinimizationProblem.of(Map.of("norm", norm), unused -> null);
    Tensor x = vector(1, 2, 3, 4).requires_grad_(true);

    assertThatThrownBy(() -> CMPState.of(x.sum()).observe(norm, x).backward())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'norm': violation has shape [4]")
        .hasMessageContaining("1 element");
    assertThatThrownBy(
            () ->
                CMPState.of(x.sum()).observe(norm, x.sum().to(torch.ScalarType.Double)).backward())
        .hasMessageContaining("constraint 'norm': violation is float64, its multiplier is float32");
    Constraint stranger = new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(vector(0)));
    assertThatThrownBy(() -> CMPState.of(x.sum()).observe(stranger, x.sum()).backward())
        .hasMessageContaining("never registered");

    assertThat(x.grad().defined()).isFalse();
    assertThat(multiplier.weight().grad().defined()).isFalse();
  }

  @Test
  void aViolationThatIsNotFiniteIsNamedWhereLookingAtItCostsNothing() {
    assumeTrue(device().is_cpu(), "on CUDA it would wait for the device");
    DenseMultiplier multiplier = new DenseMultiplier(vector(0));
    Constraint norm = new Constraint(ConstraintType.INEQUALITY, multiplier);
    ConstrainedMinimizationProblem.of(Map.of("norm", norm), unused -> null);
    Tensor x = vector(1, 2, 3, 4).requires_grad_(true);

    for (double wrong : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(
              () -> CMPState.of(x.sum()).observe(norm, x.sum().mul(new Scalar(wrong))).backward())
          .hasMessageContaining("constraint 'norm': violation is NaN or infinite");
    }

    assertThat(x.grad().defined()).isFalse();
    assertThat(multiplier.weight().grad().defined()).isFalse();
  }
}
