package org.cooper4j.solver;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Where {@link Solver#minimize} is, or ended. The residuals are in the problem's own units, with L
 * = f + λᵀg + μᵀh.
 *
 * @param status what is known of the point
 * @param message the same in a sentence
 * @param iterations updates of the multipliers
 * @param steps steps of the inner solver in all
 * @param evaluations calls of {@code computeCMPState}, each with one backward pass
 * @param objective f(x)
 * @param infeasibility max over constraints of max(0, g) or |h|
 * @param stationarity max |∇ₓL|, where a bound holds a variable only what points inwards
 * @param gap Σ |λ g| + Σ |μ h|, by which, for a convex problem, f is off at most, up to
 *     stationarity
 * @param penalty the penalty coefficient of the scaled constraints
 * @param multipliers λ and μ by their constraints' names, in float64; also of constraints whose
 *     formulation has none
 */
public record Solution(
    Status status,
    String message,
    int iterations,
    long steps,
    long evaluations,
    double objective,
    double infeasibility,
    double stationarity,
    double gap,
    double penalty,
    Map<String, double[]> multipliers) {

  /** What a point is. */
  public enum Status {
    /** Given to listeners: the method goes on. */
    RUNNING,
    /** A KKT point within the tolerance. */
    SOLVED,
    /**
     * The violation cannot be lowered, not even by a descent that goes after it alone, from here or
     * from one other point: the problem has no feasible point, or, if it is not convex, none near.
     */
    INFEASIBLE,
    /** The objective falls without end where the constraints hold. */
    UNBOUNDED,
    /**
     * No further progress above the tolerance: the dtype's precision is used up, a multiplier does
     * not exist, the evaluation is not differentiable or not deterministic, or the problem is too
     * ill-conditioned. The point is the best one seen.
     */
    STALLED,
    /**
     * The evaluations that were allowed are used up. The point is the best one at which multipliers
     * were updated; before the first update the last one, with the multipliers as they were.
     */
    LIMIT,
    /** A listener said so; or the thread was interrupted, where the point is as for LIMIT. */
    STOPPED
  }

  /** With maps and arrays of its own. */
  public Solution {
    Map<String, double[]> copy = new LinkedHashMap<>();
    multipliers.forEach((name, values) -> copy.put(name, values.clone()));
    multipliers = Collections.unmodifiableMap(copy);
  }

  /** Whether the tolerance was reached. */
  public boolean isSolved() {
    return status == Status.SOLVED;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s: f = %.9g, infeasibility %.1e, stationarity %.1e, gap %.1e after %d iterations, %d"
            + " steps, %d evaluations; %s",
        status,
        objective,
        infeasibility,
        stationarity,
        gap,
        iterations,
        steps,
        evaluations,
        message);
  }
}
