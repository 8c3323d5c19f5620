package org.cooper4j.penalties;

import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.internal.Native;
import org.cooper4j.internal.Released;

/**
 * Raises the coefficients of constraints violated beyond a tolerance, entry by entry; a scalar
 * coefficient compares the norm of the violation. Mirrors {@code
 * cooper.penalty_coefficients.FeasibilityDrivenPenaltyCoefficientUpdater}.
 *
 * <p>A constraint that stays violated has its coefficient raised without end, unless there is a
 * maximum. Before a coefficient, or its product with the violation, becomes infinite and makes the
 * variables NaN, {@code step} throws an exception that names the constraint, and the coefficient
 * keeps its value. On a CUDA device it keeps it too, but without an exception, for which every step
 * would have to wait.
 */
public abstract class FeasibilityDrivenPenaltyCoefficientUpdater extends PenaltyCoefficientUpdater {
  private final double violationTolerance;
  private final double leak;
  private final double factor;
  private final double summand;
  private final double maximum;

  /** The tolerance at which every observed constraint counts as violated. */
  static final double EVERY = Double.NEGATIVE_INFINITY;

  /**
   * New value of a violated entry: {@code min(maximum, factor * value + summand)}; of a satisfied
   * inequality's: {@code value - leak * (value - init)}.
   */
  FeasibilityDrivenPenaltyCoefficientUpdater(
      double factor, double summand, double violationTolerance, double leak, double maximum) {
    if (!(leak >= 0 && leak <= 1)) {
      throw new IllegalArgumentException("leak is " + leak + "; it must be in [0, 1]");
    }
    if (!(maximum > 0)) {
      throw new IllegalArgumentException("maximum is " + maximum + "; it must be > 0");
    }
    this.factor = factor;
    this.summand = summand;
    this.violationTolerance = violationTolerance;
    this.leak = leak;
    this.maximum = maximum;
  }

  static double requireTolerance(double violationTolerance) {
    if (!(violationTolerance >= 0)) {
      throw new IllegalArgumentException(
          "violation_tolerance is " + violationTolerance + "; it must be >= 0");
    }
    return violationTolerance;
  }

  static double requireFinite(double option, String name) {
    if (!(option >= 0) || Double.isInfinite(option)) {
      throw new IllegalArgumentException(name + " is " + option + "; it must be finite and >= 0");
    }
    return option;
  }

  @Override
  protected final void updatePenaltyCoefficient(Constraint constraint, ConstraintState state) {
    PenaltyCoefficient coefficient = constraint.penaltyCoefficient().orElseThrow();
    boolean indexed =
        coefficient.expectsConstraintFeatures()
            && Released.requireOpen(coefficient.value(), coefficient).dim() > 0;
    boolean inequality = constraint.constraintType() == ConstraintType.INEQUALITY;
    update(
        constraint,
        state,
        indexed ? "penalty coefficient" : null,
        (value, violation, features) ->
            Native.updatePenalty(
                value,
                coefficient.init(),
                violation,
                features,
                inequality,
                inequality ? leak : 0,
                violationTolerance,
                factor,
                summand,
                maximum));
  }
}
