package org.cooper4j.penalties;

/**
 * Adds an increment to the coefficients of violated constraints. Mirrors {@code
 * cooper.penalty_coefficients.AdditivePenaltyCoefficientUpdater}.
 */
public final class AdditivePenaltyCoefficientUpdater
    extends FeasibilityDrivenPenaltyCoefficientUpdater {
  /** Cooper's defaults: 1.0, tolerance 1e-4, with restart. */
  public AdditivePenaltyCoefficientUpdater() {
    this(1.0, 1e-4, true);
  }

  /**
   * An updater with options.
   *
   * @param increment the summand
   * @param violationTolerance the violation (of inequalities: its positive part) above which a
   *     constraint counts as violated, in the violation's unit
   * @param hasRestart whether a satisfied inequality's coefficient returns to its initial value
   * @throws IllegalArgumentException if the tolerance is negative or NaN
   */
  public AdditivePenaltyCoefficientUpdater(
      double increment, double violationTolerance, boolean hasRestart) {
    super(1, increment, violationTolerance, hasRestart);
  }
}
