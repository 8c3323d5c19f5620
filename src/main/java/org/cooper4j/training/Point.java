package org.cooper4j.training;

import java.util.Map;
import java.util.Optional;
import org.cooper4j.optim.Candidates;

/** A candidate for the best iterate: its objective, and how much it violates beyond a tolerance. */
record Point(double objective, double violation) {
  /**
   * Of numbers of a roll, or of a validation with that name.
   *
   * @param source the validation's name; "" for rolls
   * @return empty if they are of something else, or not finite
   */
  static Optional<Point> of(Map<String, Double> numbers, String source, double tolerance) {
    String prefix = source.isEmpty() ? "" : source + "/";
    Double violation = numbers.get(prefix + Numbers.MAX_VIOLATION);
    if (violation == null || !Double.isFinite(violation)) {
      return Optional.empty();
    }
    double loss = numbers.getOrDefault(prefix + Numbers.LOSS, 0.0); // none to minimise
    return Double.isFinite(loss)
        ? Optional.of(new Point(loss, Math.max(0, violation - tolerance)))
        : Optional.empty();
  }

  boolean isFeasible() {
    return violation == 0;
  }

  /** By the rank of violations, then the objective; of equal ones the later. */
  boolean isBetterThan(Point other) {
    return Candidates.findBestCandidateIndex(
            new double[] {other.objective, objective},
            new double[][] {{other.violation}, {violation}},
            false)
        == 1;
  }

  static double requireTolerance(double tolerance) {
    if (!(tolerance >= 0) || Double.isInfinite(tolerance)) {
      throw new IllegalArgumentException(
          "tolerance is " + tolerance + "; it must be finite and >= 0");
    }
    return tolerance;
  }
}
