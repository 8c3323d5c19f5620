package org.cooper4j.comparison;

/**
 * How good variables are, over all data.
 *
 * @param objective f
 * @param violation the largest of g, |h| and 0, in the constraints' own units
 */
public record Measured(double objective, double violation) {
  /** Whether both are within a tolerance, the objective of an optimum and relative to it. */
  boolean within(double tolerance, double optimum) {
    return violation <= tolerance
        && Math.abs(objective - optimum) <= tolerance * Math.max(1, Math.abs(optimum));
  }
}
