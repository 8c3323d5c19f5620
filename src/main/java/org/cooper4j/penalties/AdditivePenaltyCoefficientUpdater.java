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

  /** An updater with Cooper's options: the coefficients have no maximum. */
  public AdditivePenaltyCoefficientUpdater(
      double increment, double violationTolerance, boolean hasRestart) {
    this(increment, violationTolerance, hasRestart, Double.POSITIVE_INFINITY);
  }

  /**
   * An updater with options.
   *
   * @param increment the summand, finite and not negative
   * @param violationTolerance the violation (of inequalities: its positive part) above which a
   *     constraint counts as violated, in the violation's unit
   * @param hasRestart whether a satisfied inequality's coefficient returns to its initial value
   * @param maximum what no coefficient is raised above, such as 1e6; one that is above stays as it
   *     is. Cooper has none
   * @throws IllegalArgumentException if an option is NaN or out of its range
   */
  public AdditivePenaltyCoefficientUpdater(
      double increment, double violationTolerance, boolean hasRestart, double maximum) {
    this(increment, violationTolerance, hasRestart ? 1.0 : 0.0, maximum);
  }

  /**
   * An updater whose coefficients come back by and by. A restart, the leak 1, forgets at once what
   * a constraint needs to stay satisfied, which makes it swing; without any a coefficient stays
   * where the worst batch has raised it.
   *
   * @param increment as above
   * @param violationTolerance as above
   * @param leak what share of its excess over the initial value the coefficient of a satisfied
   *     inequality loses in an update, in [0, 1]
   * @param maximum as above; too low a one leaves the constraint violated
   * @throws IllegalArgumentException if an option is NaN or out of its range
   */
  public AdditivePenaltyCoefficientUpdater(
      double increment, double violationTolerance, double leak, double maximum) {
    super(
        1,
        requireFinite(increment, "increment"),
        requireTolerance(violationTolerance),
        leak,
        maximum);
  }
}
