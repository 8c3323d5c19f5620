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

  /** An updater with Cooper's options: the coefficients have no maximum. */
  public MultiplicativePenaltyCoefficientUpdater(
      double growthFactor, double violationTolerance, boolean hasRestart) {
    this(growthFactor, violationTolerance, hasRestart, Double.POSITIVE_INFINITY);
  }

  /**
   * An updater with options.
   *
   * @param growthFactor the factor, finite and not negative
   * @param violationTolerance the violation (of inequalities: its positive part) above which a
   *     constraint counts as violated, in the violation's unit
   * @param hasRestart whether a satisfied inequality's coefficient returns to its initial value
   * @param maximum what no coefficient is raised above, such as 1e6; one that is above stays as it
   *     is. Cooper has none
   * @throws IllegalArgumentException if an option is NaN or out of its range
   */
  public MultiplicativePenaltyCoefficientUpdater(
      double growthFactor, double violationTolerance, boolean hasRestart, double maximum) {
    super(requireFinite(growthFactor, "growth_factor"), 0, violationTolerance, hasRestart, maximum);
  }
}
