package org.cooper4j.optim;

import java.util.Arrays;
import org.cooper4j.internal.Mixture;

/** Chooses among the iterates of a run: the last one is seldom the best feasible one. */
public final class Candidates {
  private Candidates() {}

  /**
   * The best candidate by the constraint that each violates most; see {@link
   * #findBestCandidateIndex(double[], double[][], boolean, boolean)}, whose {@code maxConstraints}
   * is true here.
   */
  public static int findBestCandidateIndex(
      double[] objectives, double[][] violations, boolean rankObjectives) {
    return findBestCandidateIndex(objectives, violations, rankObjectives, true);
  }

  /**
   * The best candidate by ranks, so that no weight between objective and violations has to be
   * chosen: candidates are ranked by how much they violate, feasible ones all first, and by their
   * objective; a candidate counts by its worst rank. Of equal ones the lower objective wins, then
   * the later candidate. Mirrors {@code find_best_candidate_index} of TensorFlow Constrained
   * Optimization, where both options are true unless set (Cotter, Jiang and Sridharan, "Two-Player
   * Games for Efficient Non-Convex Constrained Optimization", ALT 2019). Takes O(n m + n log n) for
   * n candidates of m violations, or O(n m log n) without {@code maxConstraints}.
   *
   * @param objectives f of each candidate; not NaN
   * @param violations of each candidate, one a constraint, not NaN: positive where g(x) ≤ 0 is
   *     violated; for an equality give |h|
   * @param rankObjectives whether the objective's rank counts as a constraint's does, which trades
   *     feasibility for it; if not, the objective only decides between equal ranks
   * @param maxConstraints whether the largest violation of each candidate is ranked, once; if not,
   *     candidates are ranked by each constraint for itself, which units of their own ask for
   * @return the index of the best one
   * @throws IllegalArgumentException if there is no candidate, a number is NaN, or the rows of
   *     violations are not as many as the objectives, and of equal length
   */
  public static int findBestCandidateIndex(
      double[] objectives, double[][] violations, boolean rankObjectives, boolean maxConstraints) {
    int n = objectives.length;
    check(objectives, violations);
    int[] worst = new int[n];
    if (rankObjectives) {
      raise(worst, objectives);
    }
    if (maxConstraints) {
      raise(worst, Arrays.stream(violations).mapToDouble(Candidates::largest).toArray());
    } else {
      for (int k = 0; k < violations[0].length; k++) {
        int constraint = k;
        raise(
            worst,
            Arrays.stream(violations).mapToDouble(row -> Math.max(0, row[constraint])).toArray());
      }
    }
    int best = 0;
    for (int i = 1; i < n; i++) {
      if (worst[i] < worst[best]
          || (worst[i] == worst[best] && objectives[i] <= objectives[best])) {
        best = i;
      }
    }
    return best;
  }

  /**
   * The best stochastic solution: how often to take which candidate, so that the expected objective
   * is least while no expected violation is above 0, or, if no mixture can do that, above the least
   * number that one can. At most m + 1 of n candidates with m violations each get a probability
   * above 0, and a mixture is never worse than the uniform one of all iterates, for which a run's
   * guarantees hold. Mirrors {@code find_best_candidate_distribution} of TensorFlow Constrained
   * Optimization (Lemma 3 of Cotter, Jiang and Sridharan, "Two-Player Games for Efficient
   * Non-Convex Constrained Optimization", ALT 2019). A {@link StochasticModel} draws from it.
   *
   * <p>Expectations of what is not linear in the candidates, such as precisions, are not those of
   * the mixture. It needs ojAlgo, which cooper4j does not bring along: the dependency {@code
   * org.ojalgo:ojalgo:56.0.0}, and in a module {@code requires ojalgo}.
   *
   * @param objectives f of each candidate; finite
   * @param violations of each candidate, one a constraint, finite: g(x), not only where it is
   *     positive; for an equality give h and −h
   * @return the probability of each candidate; they sum to 1
   * @throws IllegalArgumentException if there is no candidate, a number is not finite, or the rows
   *     of violations are not as many as the objectives, and of equal length
   * @throws IllegalStateException if ojAlgo is missing
   */
  public static double[] findBestCandidateDistribution(double[] objectives, double[][] violations) {
    check(objectives, violations);
    for (int i = 0; i < objectives.length; i++) {
      if (Double.isInfinite(objectives[i])
          || Arrays.stream(violations[i]).anyMatch(Double::isInfinite)) {
        throw new IllegalArgumentException(
            "the objective or a violation of candidate "
                + i
                + " is infinite; leave that candidate out");
      }
    }
    return Mixture.best(new int[objectives.length], objectives, violations);
  }

  private static void check(double[] objectives, double[][] violations) {
    int n = objectives.length;
    if (n == 0 || violations.length != n) {
      throw new IllegalArgumentException(
          n
              + " objectives and "
              + violations.length
              + " rows of violations; expected one row a candidate, and a candidate at least");
    }
    for (int i = 0; i < n; i++) {
      if (violations[i] == null) {
        throw new IllegalArgumentException(
            "the violations of candidate " + i + " are null; give a row, empty if it has none");
      }
      if (violations[i].length != violations[0].length) {
        throw new IllegalArgumentException(
            "candidate "
                + i
                + " has "
                + violations[i].length
                + " violations, not "
                + violations[0].length);
      }
      if (Double.isNaN(objectives[i])) {
        throw new IllegalArgumentException(
            "the objective of candidate " + i + " is NaN; leave that candidate out");
      }
      if (Arrays.stream(violations[i]).anyMatch(Double::isNaN)) {
        throw new IllegalArgumentException(
            "a violation of candidate " + i + " is NaN; leave that candidate out");
      }
    }
  }

  private static double largest(double[] violations) {
    return Arrays.stream(violations).reduce(0, Math::max);
  }

  /** Ranks from 1; equal values share the smallest rank of theirs. */
  private static void raise(int[] worst, double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    for (int i = 0; i < worst.length; i++) {
      int low = 0;
      int high = sorted.length;
      while (low < high) {
        int middle = (low + high) >>> 1;
        if (sorted[middle] < values[i]) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      worst[i] = Math.max(worst[i], low + 1);
    }
  }
}
