package org.cooper4j.penalties;

/**
 * Multiplies the coefficients of violated constraints by a growth factor (Nocedal and Wright,
 * Algorithm 17.4). Mirrors {@code
 * cooper.penalty_coefficients.MultiplicativePenaltyCoefficientUpdater}.
 */
public final class MultiplicativePenaltyCoefficientUpdater
    extends FeasibilityDrivenPenaltyCoefficientUpdater {
  /** Cooper's defaults: 1.01, tolerance 1e-4, with restart. */
  public MultiplicativePenaltyCoefficientUpdater() {
    this(1.01, 1e-4, true);
  }

  /**
   * An updater with options.
   *
   * @param growthFactor the factor
   * @param violationTolerance the violation (of inequalities: its positive part) above which a
   *     constraint counts as violated, in the violation's unit
   * @param hasRestart whether a satisfied inequality's coefficient returns to its initial value
   * @throws IllegalArgumentException if the tolerance is negative or NaN
   */
  public MultiplicativePenaltyCoefficientUpdater(
      double growthFactor, double violationTolerance, boolean hasRestart) {
    super(growthFactor, 0, violationTolerance, hasRestart);
  }
}
