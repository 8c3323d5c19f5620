package org.cooper4j.penalties;

import org.bytedeco.pytorch.Tensor;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.internal.Native;

/**
 * Raises the coefficients of constraints violated beyond a tolerance, entry by entry; a scalar
 * coefficient compares the norm of the violation. Mirrors {@code
 * cooper.penalty_coefficients.FeasibilityDrivenPenaltyCoefficientUpdater}.
 */
public abstract class FeasibilityDrivenPenaltyCoefficientUpdater extends PenaltyCoefficientUpdater {
  private final double violationTolerance;
  private final boolean hasRestart;
  private final double factor;
  private final double summand;

  /** New value of a violated entry: {@code factor * value + summand}. */
  FeasibilityDrivenPenaltyCoefficientUpdater(
      double factor, double summand, double violationTolerance, boolean hasRestart) {
    if (!(violationTolerance >= 0)) {
      throw new IllegalArgumentException(
          "violation_tolerance is " + violationTolerance + "; it must be >= 0");
    }
    this.factor = factor;
    this.summand = summand;
    this.violationTolerance = violationTolerance;
    this.hasRestart = hasRestart;
  }

  @Override
  protected final void updatePenaltyCoefficient(Constraint constraint, ConstraintState state) {
    PenaltyCoefficient coefficient = constraint.penaltyCoefficient().orElseThrow();
    Tensor features = state.strictConstraintFeatures().or(state::constraintFeatures).orElse(null);
    boolean indexed = coefficient.expectsConstraintFeatures() && coefficient.value().dim() > 0;
    if (indexed && features == null) {
      throw new IllegalArgumentException(
          "constraint '"
              + constraint.name().orElse("?")
              + "': its penalty coefficient is indexed, but the state has no constraint features");
    }
    boolean inequality = constraint.constraintType() == ConstraintType.INEQUALITY;
    Native.updatePenalty(
        coefficient.value(),
        coefficient.init(),
        state.strictViolation().orElse(state.violation()),
        indexed ? features : null,
        inequality,
        hasRestart && inequality,
        violationTolerance,
        factor,
        summand);
  }
}
