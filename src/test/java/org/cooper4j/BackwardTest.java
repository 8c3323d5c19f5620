package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.here;
import static org.cooper4j.Devices.indices;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Formulation;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.multipliers.ModuleMultiplier;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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
    Constraint stranger = new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(vector(0)));
    assertThatThrownBy(() -> CMPState.of(x.sum()).observe(stranger, x.sum()).backward())
        .hasMessageContaining("never registered");

    assertThat(x.grad().defined()).isFalse();
    assertThat(multiplier.weight().grad().defined()).isFalse();
  }

  /** Every tensor of a state in turn. */
  private static CMPState stateWith(
      int member, UnaryOperator<Tensor> spoil, Tensor x, Constraint indexed) {
    Tensor[] tensors = {
      x.sum(), x.mul(new Scalar(1.0)), indices(0, 1), x.detach().clone(), indices(1, 0)
    };
    tensors[member] = spoil.apply(tensors[member]);
    return CMPState.of(tensors[0])
        .observe(
            indexed,
            ConstraintState.builder(tensors[1])
                .constraintFeatures(tensors[2])
                .strictViolation(tensors[3])
                .strictConstraintFeatures(tensors[4])
                .build());
  }

  @ParameterizedTest
  @CsvSource({
    "0, the loss",
    "1, constraint 'c': the violation",
    "2, constraint 'c': the tensor of constraint features",
    "3, constraint 'c': the strict violation",
    "4, constraint 'c': the tensor of strict constraint features"
  })
  void aReleasedOrUndefinedTensorIsNotTakenForNone(int member, String name) {
    Tensor x = vector(2, 3).requires_grad_(true);
    Constraint indexed =
        new Constraint(ConstraintType.INEQUALITY, new IndexedMultiplier(vector(0.5, 0.25)));
    ConstrainedMinimizationProblem.of(Map.of("c", indexed), unused -> null);
    UnaryOperator<Tensor> release =
        tensor -> {
          tensor.close();
          return tensor;
        };
    assertThatThrownBy(() -> stateWith(member, release, x, indexed).backward())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(name + " was released");
    assertThatThrownBy(() -> stateWith(member, tensor -> new Tensor(), x, indexed).backward())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(name + " is an undefined tensor");
    assertThat(x.grad().defined()).isFalse();
  }

  @Test
  void aReleasedMultiplierOrPenaltyIsNamed() {
    Tensor x = vector(2).requires_grad_(true);
    DenseMultiplier multiplier = new DenseMultiplier(vector(0.5));
    DensePenaltyCoefficient penalty = new DensePenaltyCoefficient(vector(1));
    Constraint c =
        new Constraint(ConstraintType.EQUALITY, AugmentedLagrangian::new, multiplier, penalty);
    ConstrainedMinimizationProblem.of(Map.of("c", c), unused -> null);
    penalty.value().close();
    assertThatThrownBy(() -> CMPState.of(x.sum()).observe(c, x).backward())
        .hasMessageStartingWith("constraint 'c': its penalty coefficient was released");
    multiplier.weight().close();
    assertThatThrownBy(() -> CMPState.of(x.sum()).observe(c, x).backward())
        .hasMessageStartingWith("constraint 'c': its multiplier was released");
  }

  @Test
  void aLossThatIsNoFiniteScalarIsSaidToBeThat() {
    Tensor x = vector(2, 3).requires_grad_(true);
    assertThatThrownBy(() -> CMPState.of(x).backward())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the loss has shape [2]; expected a dense scalar, such as its mean()");
    assertThatThrownBy(() -> CMPState.of(indices(1)).backward())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the loss has dtype int64; expected a floating point scalar");
    assertThatThrownBy(() -> CMPState.of(vector(1)).backward())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the loss requires no grad");
    assumeTrue(device().is_cpu(), "on CUDA it would wait for the device");
    for (double bad : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
      assertThatThrownBy(() -> CMPState.of(x.sum().mul(new Scalar(bad))).backward())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("the loss is NaN or infinite");
    }
  }

  @ParameterizedTest
  @CsvSource({"Lagrangian, 1e38, 1", "AugmentedLagrangian, 1, 1e20", "QuadraticPenalty, 0, 1e20"})
  void aWeightThatOverflowsIsNamedBeforeItReachesTheVariables(
      String formulation, double multiplier, double violation) {
    assumeTrue(device().is_cpu(), "on CUDA looking would wait for the device");
    Tensor x = vector(violation).requires_grad_(true);
    Formulation probe = FORMULATIONS.get(formulation).apply(ConstraintType.EQUALITY);
    DenseMultiplier value = new DenseMultiplier(vector(multiplier));
    Constraint c =
        new Constraint(
            ConstraintType.EQUALITY,
            FORMULATIONS.get(formulation),
            probe.expectsMultiplier() ? value : null,
            probe.expectsPenaltyCoefficient() ? new DensePenaltyCoefficient(vector(1e38)) : null);
    ConstrainedMinimizationProblem.of(Map.of("c", c), unused -> null);
    try (NoGradGuard noGrad = new NoGradGuard()) {
      value.weight().mul_(new Scalar(1e30)); // what a dual step may do
    }
    CMPState state =
        CMPState.of(x.sum())
            .observe(
                c,
                ConstraintState.builder(x.mul(new Scalar(1.0)))
                    .contributesToDualUpdate(probe.expectsMultiplier())
                    .build());
    assertThatThrownBy(state::backward)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'c': its multiplier, or its penalty coefficient times");
    assertThat(x.grad().defined()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"Half, 1e5, float16; compute the violation in float32", "Float, 1e39, float32; keep"})
  void anOverflowNamesTheDtypeAndWhatToDo(ScalarType dtype, double multiplier, String message) {
    assumeTrue(device().is_cpu(), "on CUDA looking would wait for the device");
    Tensor x = here(Tensor.create(1.0)).to(dtype).requires_grad_(true);
    Constraint c =
        new Constraint(
            ConstraintType.EQUALITY, new DenseMultiplier(here(Tensor.create(multiplier))));
    ConstrainedMinimizationProblem.of(Map.of("c", c), unused -> null);
    assertThatThrownBy(() -> CMPState.of(x.sum()).observe(c, x.mul(new Scalar(1.0))).backward())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'c': its multiplier, or its penalty coefficient times")
        .hasMessageContaining("overflows " + message);
    assertThat(x.grad().defined()).isFalse();
  }

  @Test
  void aViolationThatTheMultiplierCannotHoldIsNamed() {
    assumeTrue(device().is_cpu(), "on CUDA looking would wait for the device");
    Tensor x = here(Tensor.create(1e39)).requires_grad_(true);
    Constraint c = new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(vector(0)));
    ConstrainedMinimizationProblem.of(Map.of("c", c), unused -> null);
    assertThatThrownBy(() -> CMPState.of(x.sum()).observe(c, x.mul(new Scalar(1.0))).backward())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(
            "constraint 'c': violation is too large for its multiplier's float32; give the"
                + " multiplier the dtype float64");
  }

  @Test
  void whatAFormulationOrAModuleGivesIsChecked() {
    assumeTrue(device().is_cpu(), "on CUDA looking would wait for the device");
    Tensor x = vector(1).requires_grad_(true);
    Constraint barrier =
        new Constraint(
            ConstraintType.INEQUALITY,
            type ->
                new Formulation(type) {
                  @Override
                  public boolean expectsMultiplier() {
                    return false;
                  }

                  @Override
                  public boolean expectsPenaltyCoefficient() {
                    return false;
                  }

                  @Override
                  public Tensor primalContribution(Tensor violation, Tensor m, Tensor penalty) {
                    return violation.neg().log().sum();
                  }
                },
            null,
            null);
    LinearImpl linear = new LinearImpl(1, 1);
    linear.to(device(), false);
    AtomicReference<UnaryOperator<Tensor>> forward = new AtomicReference<>();
    Constraint learned =
        new Constraint(
            ConstraintType.EQUALITY, new ModuleMultiplier(linear, f -> forward.get().apply(f)));
    ConstrainedMinimizationProblem.of(
        Map.of("barrier", barrier, "learned", learned), unused -> null);
    assertThatThrownBy(
            () ->
                CMPState.of(x.sum())
                    .observe(
                        barrier,
                        ConstraintState.builder(x.mul(new Scalar(1.0)))
                            .contributesToDualUpdate(false)
                            .build())
                    .backward())
        .hasMessageContaining("'barrier': its formulation's contribution")
        .hasMessageContaining("NaN or infinite");
    Map<UnaryOperator<Tensor>, String> wrong =
        Map.of(
            f -> linear.forward(f).flatten().mul(new Scalar(Double.NaN)),
            "'learned': its multiplier is NaN or infinite",
            f -> linear.forward(f).flatten().detach(),
            "'learned': its multiplier requires no grad, so that its module would not learn",
            f -> linear.forward(f).flatten().to(ScalarType.Long),
            "'learned': its multiplier has dtype int64");
    wrong.forEach(
        (function, message) -> {
          forward.set(function);
          assertThatThrownBy(
                  () ->
                      CMPState.of(x.sum())
                          .observe(
                              learned,
                              ConstraintState.builder(x.mul(new Scalar(1.0)))
                                  .constraintFeatures(vector(2).unsqueeze(1))
                                  .build())
                          .backward())
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining(message);
        });
    assertThat(x.grad().defined()).isFalse();
  }

  @Test
  void aSparseGradientKeepsItsRowsWhenTheIndicesAreWrittenAgain() {
    Tensor x = vector(2, 3).requires_grad_(true);
    IndexedMultiplier table = new IndexedMultiplier(vector(0, 0, 0));
    Constraint c = new Constraint(ConstraintType.EQUALITY, table);
    ConstrainedMinimizationProblem.of(Map.of("c", c), unused -> null);
    Tensor rows = indices(0, 1);
    CMPState.of(x.sum())
        .observe(
            c, ConstraintState.builder(x.mul(new Scalar(1.0))).constraintFeatures(rows).build())
        .backward();
    rows.fill_(new Scalar(2));
    assertThat(values(table.weight().grad().to_dense())).containsExactly(-2, -3, 0);
  }

  @Test
  void aSideMayBeDifferentiatedOnItsOwn() {
    Tensor x = vector(2).requires_grad_(true);
    DenseMultiplier multiplier = new DenseMultiplier(vector(0.5));
    Constraint c = new Constraint(ConstraintType.INEQUALITY, multiplier);
    ConstrainedMinimizationProblem.of(Map.of("c", c), unused -> null);
    CMPState.Lagrangians both =
        CMPState.of(x.square().sum()).observe(c, x.mul(new Scalar(3.0))).computeLagrangians();

    both.dual().backward();
    assertThat(values(multiplier.weight().grad())).containsExactly(-6);
    assertThat(x.grad().defined()).isFalse();

    both.primal().backward();
    assertThat(values(x.grad())).containsExactly(4 + 0.5 * 3);
    assertThat(values(multiplier.weight().grad())).containsExactly(-6);
    assertThatThrownBy(() -> both.dual().backward()).hasMessageContaining("called twice");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Lagrangian", "QuadraticPenalty", "AugmentedLagrangian"})
  void gradientsHaveTheDtypeOfWhatTheyBelongTo(String formulation) {
    for (ScalarType dtype :
        new ScalarType[] {ScalarType.BFloat16, ScalarType.Half, ScalarType.Double}) {
      Tensor x = vector(1, 2, -4).requires_grad_(true);
      Constraint mixed = constraint(formulation, ConstraintType.EQUALITY);
      CMPState state =
          CMPState.of(x.sum())
              .observe(
                  mixed,
                  ConstraintState.builder(x.to(dtype).mul(new Scalar(1.0)))
                      .contributesToDualUpdate(mixed.multiplier().isPresent())
                      .build());
      state.backward();

      Tensor y = vector(1, 2, -4).requires_grad_(true);
      Constraint plain = constraint(formulation, ConstraintType.EQUALITY);
      CMPState.of(y.sum())
          .observe(
              plain,
              ConstraintState.builder(y.mul(new Scalar(1.0)))
                  .contributesToDualUpdate(plain.multiplier().isPresent())
                  .build())
          .backward();
      assertThat(values(x.grad())).containsExactly(values(y.grad()), within(1e-2));
      mixed
          .multiplier()
          .ifPresent(
              multiplier -> {
                Tensor grad = multiplier.parameters().get(0).grad();
                assertThat(grad.scalar_type().intern()).isEqualTo(ScalarType.Float);
                assertThat(values(grad)).containsExactly(-1, -2, 4);
              });
    }
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
