package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.IndexedPenaltyCoefficient;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Tensors on two devices; the meta device stands for the other one. */
class DeviceMistakesTest {
  private static final Device META = new Device("meta");

  private static Tensor here(long n) {
    return torch.zeros(n);
  }

  private static Tensor elsewhere(long n) {
    return torch.zeros(n).to(META, ScalarType.Float);
  }

  private static Tensor rows() {
    return Tensor.create(new long[] {0, 1}, 2);
  }

  private static Constraint constraint(Constraint constraint) {
    ConstrainedMinimizationProblem.of(Map.of("c", constraint), unused -> null);
    return constraint;
  }

  private static CMPState state(Constraint constraint, ConstraintState.Builder observed) {
    return CMPState.of(torch.zeros(1).requires_grad_(true).sum())
        .observe(constraint, observed.build());
  }

  private static Arguments mistake(String name, String message, Supplier<CMPState> make) {
    return Arguments.of(name, message, make);
  }

  private static Constraint dense(Tensor multiplier) {
    return constraint(new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(multiplier)));
  }

  private static Constraint indexed(Tensor multiplier) {
    return constraint(new Constraint(ConstraintType.EQUALITY, new IndexedMultiplier(multiplier)));
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        mistake(
            "a multiplier that was not moved",
            "violation is on meta, its multiplier is on cpu; move one of them, for example with"
                + " cmp.to(device)",
            () -> state(dense(here(2)), ConstraintState.builder(elsewhere(2)))),
        mistake(
            "a violation that was not moved",
            "violation is on cpu, its multiplier is on meta",
            () -> state(dense(elsewhere(2)), ConstraintState.builder(here(2)))),
        mistake(
            "a strict violation elsewhere",
            "violation is on meta, its multiplier is on cpu",
            () ->
                state(
                    dense(here(2)),
                    ConstraintState.builder(here(2)).strictViolation(elsewhere(2)))),
        mistake(
            "features elsewhere",
            "constraint features are on cpu, violation is on meta; move them to one device",
            () ->
                state(
                    indexed(elsewhere(3)),
                    ConstraintState.builder(elsewhere(2)).constraintFeatures(rows()))),
        mistake(
            "a penalty coefficient elsewhere",
            "violation is on cpu, its penalty coefficient is on meta",
            () ->
                state(
                    constraint(
                        new Constraint(
                            ConstraintType.EQUALITY,
                            AugmentedLagrangian::new,
                            new DenseMultiplier(here(2)),
                            new DensePenaltyCoefficient(elsewhere(2)))),
                    ConstraintState.builder(here(2)))),
        mistake(
            "a table of penalty coefficients elsewhere",
            "violation is on cpu, its penalty coefficient is on meta",
            () ->
                state(
                    constraint(
                        new Constraint(
                            ConstraintType.EQUALITY,
                            AugmentedLagrangian::new,
                            new IndexedMultiplier(here(3)),
                            new IndexedPenaltyCoefficient(elsewhere(3)))),
                    ConstraintState.builder(here(2)).constraintFeatures(rows()))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mistakes")
  void areNamedBeforeAnythingChanged(String name, String message, Supplier<CMPState> make) {
    CMPState state = make.get();
    assertThatThrownBy(state::backward)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'c': " + message);
    for (Constraint constraint : state.observedConstraints().keySet()) {
      assertThat(constraint.multiplier().orElseThrow().parameters().get(0).grad().defined())
          .isFalse();
    }
  }

  @Test
  void aDataSetLiesOnOneDevice() {
    assertThatThrownBy(() -> new TensorDataset(here(2), elsewhere(2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("inputs are on cpu, targets on meta; move them to one device");
  }

  @Test
  void aPenaltyUpdaterNamesWhatWasNotMoved() {
    Constraint constraint =
        constraint(
            new Constraint(
                ConstraintType.INEQUALITY,
                QuadraticPenalty::new,
                null,
                new DensePenaltyCoefficient(torch.ones(2))));

    assertThatThrownBy(
            () ->
                new MultiplicativePenaltyCoefficientUpdater()
                    .step(Map.of(constraint, ConstraintState.of(elsewhere(2)))))
        .hasMessageContaining("the violation is on meta, its penalty coefficient on cpu; move one");
  }
}
