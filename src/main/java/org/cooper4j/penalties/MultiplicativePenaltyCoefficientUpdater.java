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
    this(growthFactor, violationTolerance, hasRestart ? 1.0 : 0.0, maximum);
  }

  /**
   * An updater whose coefficients come back by and by. A restart, the leak 1, forgets at once what
   * a constraint needs to stay satisfied, which makes it swing; without any a coefficient stays
   * where the worst batch has raised it.
   *
   * @param growthFactor as above
   * @param violationTolerance as above
   * @param leak what share of its excess over the initial value the coefficient of a satisfied
   *     inequality loses in an update, in [0, 1]
   * @param maximum as above; too low a one leaves the constraint violated
   * @throws IllegalArgumentException if an option is NaN or out of its range
   */
  public MultiplicativePenaltyCoefficientUpdater(
      double growthFactor, double violationTolerance, double leak, double maximum) {
    super(
        requireFinite(growthFactor, "growth_factor"),
        0,
        requireTolerance(violationTolerance),
        leak,
        maximum);
  }

  private MultiplicativePenaltyCoefficientUpdater(double growthFactor, double maximum) {
    super(requireFinite(growthFactor, "growth_factor"), 0, EVERY, 0, maximum);
  }

  /**
   * An updater of every observed constraint, violated or not: the sequence c₀ σᵏ of inexact
   * augmented Lagrangian methods.
   *
   * @param growthFactor σ, finite and not negative
   * @param maximum what no coefficient is raised above; beyond that the steps of the primal
   *     variables become too small to be useful
   * @throws IllegalArgumentException if an option is NaN or out of its range
   */
  public static MultiplicativePenaltyCoefficientUpdater ofEveryConstraint(
      double growthFactor, double maximum) {
    return new MultiplicativePenaltyCoefficientUpdater(growthFactor, maximum);
  }
}
