package org.cooper4j.penalties;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.cooper4j.Devices.indices;
import static org.cooper4j.Devices.isCuda;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.EveryDevice;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@EveryDevice
class PenaltyCoefficientUpdaterTest {
  private static final double NO_MAXIMUM = Double.POSITIVE_INFINITY;

  private static Constraint penalised(PenaltyCoefficient penalty) {
    Constraint constraint =
        new Constraint(ConstraintType.EQUALITY, QuadraticPenalty::new, null, penalty);
    ConstrainedMinimizationProblem.of(Map.of("far", constraint), unused -> null);
    return constraint;
  }

  private static Map<Constraint, ConstraintState> observed(Constraint constraint, Tensor h) {
    return Map.of(constraint, ConstraintState.of(h));
  }

  @Test
  void anEmptyViolationLeavesTheOneCoefficientOfAll() {
    var penalty = new DensePenaltyCoefficient(vector(2));
    var updater = new MultiplicativePenaltyCoefficientUpdater(10, 0, true);
    updater.step(observed(penalised(penalty), vector()));
    assertThat(values(penalty.value())).containsExactly(2);
  }

  @Test
  void noCoefficientIsRaisedAboveTheMaximum() {
    var penalty = new DensePenaltyCoefficient(vector(1, 40, 200));
    var constraint = penalised(penalty);
    var updater = new MultiplicativePenaltyCoefficientUpdater(10, 0, true, 100);
    for (int i = 0; i < 5; i++) {
      updater.step(observed(constraint, vector(1, 1, 1)));
    }
    assertThat(values(penalty.value())).as("one starts above").containsExactly(100, 100, 200);

    var scalar = new DensePenaltyCoefficient(vector(1).sum());
    constraint = penalised(scalar);
    for (int i = 0; i < 5; i++) {
      new AdditivePenaltyCoefficientUpdater(3, 0, true, 10)
          .step(observed(constraint, vector(1, 1)));
    }
    assertThat(scalar.value().item_float()).isEqualTo(10);

    var indexed = new IndexedPenaltyCoefficient(vector(1, 1, 1));
    constraint = penalised(indexed);
    updater.step(
        Map.of(
            constraint,
            ConstraintState.builder(vector(1, 1)).constraintFeatures(indices(2, 0)).build()));
    assertThat(values(indexed.value())).containsExactly(10, 1, 10);
  }

  /** The default updater on a constraint that is out of reach; Adam does not mind its size. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCoefficientThatOverflowsIsNamedBeforeAnyVariableIsNaN(boolean scalar) {
    assumeThat(isCuda()).as("named where it costs nothing").isFalse();
    Tensor x = vector(0).requires_grad_(true);
    var penalty = new DensePenaltyCoefficient(scalar ? vector(1e30).sum() : vector(1e30));
    var constraint = new Constraint(ConstraintType.EQUALITY, QuadraticPenalty::new, null, penalty);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("far", constraint),
            nothing ->
                CMPState.of(x.square().sum())
                    .observe(
                        constraint,
                        ConstraintState.builder(x.square().add(new Scalar(1.0)))
                            .contributesToDualUpdate(false)
                            .build()));
    var optimizer =
        new UnconstrainedOptimizer<>(problem, new Adam(new TensorVector(x), new AdamOptions(0.01)));
    var updater = new MultiplicativePenaltyCoefficientUpdater();
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 3000; i++) {
                RollOut rollOut = optimizer.roll();
                updater.step(rollOut.cmpState().observedConstraints());
              }
            })
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("constraint 'far'", "penalty coefficient", "a maximum");
    assertThat(values(penalty.value())[0]).isFinite().isGreaterThan(1e38);
    assertThat(values(x)[0]).isFinite();
    optimizer.roll();
    assertThat(values(x)[0]).isFinite();
  }

  /** Also on a device, where nothing is thrown. */
  @Test
  void aCoefficientNeverBecomesInfinite() {
    var huge = vector(3e38).sum();
    for (PenaltyCoefficient penalty :
        List.of(
            new DensePenaltyCoefficient(huge.view(1)),
            new DensePenaltyCoefficient(huge),
            new IndexedPenaltyCoefficient(huge.view(1)))) {
      Constraint constraint = penalised(penalty);
      ConstraintState state =
          ConstraintState.builder(vector(1)).constraintFeatures(indices(0)).build();
      var updater = new MultiplicativePenaltyCoefficientUpdater(10, 0, true);
      try {
        updater.step(Map.of(constraint, state));
        assertThat(isCuda()).isTrue();
      } catch (IllegalArgumentException e) {
        assertThat(isCuda()).isFalse();
      }
      assertThat(penalty.value().equal(penalty.init())).isTrue();
    }
  }

  @Test
  void whatCannotBeUpdatedNamesItsConstraint() {
    var updater = new AdditivePenaltyCoefficientUpdater();
    var three = new DensePenaltyCoefficient(vector(1, 1, 1));
    assertThatThrownBy(() -> updater.step(observed(penalised(three), vector(1, 1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("constraint 'far'", "[2]", "[3]");
    var indexed = new IndexedPenaltyCoefficient(vector(1, 1, 1));
    assertThatThrownBy(() -> updater.step(observed(penalised(indexed), vector(1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("constraint 'far'", "no constraint features");
    if (!isCuda()) {
      assertThatThrownBy(
              () ->
                  updater.step(
                      Map.of(
                          penalised(indexed),
                          ConstraintState.builder(vector(1))
                              .constraintFeatures(indices(7))
                              .build())))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "constraint 'far': constraint feature 7 is out of range: the penalty coefficient has"
                  + " 3 entries");
    }
    Tensor closed = vector(1, 1, 1);
    var state = observed(penalised(three), closed);
    closed.close();
    assertThatThrownBy(() -> updater.step(state))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'far': the violation was released");
    assertThat(values(three.value())).containsExactly(1, 1, 1);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, -1, Double.NEGATIVE_INFINITY})
  void optionsOutOfRangeAreRefused(double bad) {
    assertThatThrownBy(() -> new MultiplicativePenaltyCoefficientUpdater(bad, 0, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("growth_factor is " + bad);
    assertThatThrownBy(() -> new AdditivePenaltyCoefficientUpdater(bad, 0, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("increment is " + bad);
    assertThatThrownBy(() -> new AdditivePenaltyCoefficientUpdater(1, bad, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("violation_tolerance is " + bad);
    assertThatThrownBy(() -> new AdditivePenaltyCoefficientUpdater(1, 0, true, bad))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("maximum is " + bad);
    assertThatThrownBy(() -> new MultiplicativePenaltyCoefficientUpdater(NO_MAXIMUM, 0, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("growth_factor is Infinity");
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, -1, Double.POSITIVE_INFINITY, 1e300})
  void valuesThatAreNoCoefficientAreRefused(double bad) {
    assertThatThrownBy(() -> new DensePenaltyCoefficient(bad))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("penalty coefficient");
    // 1e300 is a value in float64, but none in this coefficient's dtype.
    Tensor values = Tensor.create(new double[] {1, bad}, 2);
    var penalty = new DensePenaltyCoefficient(vector(1, 1));
    assertThatThrownBy(() -> penalty.setValue(values)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> penalty.loadStateDict(Map.of("value", values)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> penalty.loadStateDict(Map.of("value", vector(2, 2), "init", values)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(values(penalty.value())).containsExactly(1, 1);
    if (bad != 1e300) {
      assertThatThrownBy(() -> new DensePenaltyCoefficient(values))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> new IndexedPenaltyCoefficient(values))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aCoefficientThatAnotherDtypeCannotHoldStaysAsItIs() {
    var penalty = new DensePenaltyCoefficient(vector(1e6));
    penalty.setValue(vector(2));
    assertThatThrownBy(() -> penalty.to(null, ScalarType.Half))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("as float16");
    assertThat(penalty.value().scalar_type().intern()).isEqualTo(ScalarType.Float);
    assertThatThrownBy(() -> new DensePenaltyCoefficient(vector()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least one constraint");
    Tensor closed = vector(1);
    closed.close();
    assertThatThrownBy(() -> new DensePenaltyCoefficient(closed))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("init was released");
  }
}
