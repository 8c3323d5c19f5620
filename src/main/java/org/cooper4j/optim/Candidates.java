package org.cooper4j.optim;

import java.util.Arrays;

/** Chooses among the iterates of a run: the last one is seldom the best feasible one. */
public final class Candidates {
  private Candidates() {}

  /**
   * The best candidate by ranks: per constraint, candidates are ranked by how much they violate it,
   * feasible ones all first; a candidate counts by its worst rank, then by its objective. No weight
   * between objective and violations has to be chosen. Mirrors {@code find_best_candidate_index} of
   * TensorFlow Constrained Optimization (Cotter, Jiang and Sridharan, "Two-Player Games for
   * Efficient Non-Convex Constrained Optimization", ALT 2019).
   *
   * @param objectives f of each candidate; not NaN
   * @param violations of each candidate, one a constraint: positive where g(x) ≤ 0 is violated; for
   *     an equality give |h|
   * @param rankObjectives whether the objective's rank counts as the constraints' ranks do, which
   *     trades feasibility for it
   * @return the index of the best one
   */
  public static int findBestCandidateIndex(
      double[] objectives, double[][] violations, boolean rankObjectives) {
    int n = objectives.length;
    if (n == 0 || violations.length != n) {
      throw new IllegalArgumentException(
          n
              + " objectives and "
              + violations.length
              + " rows of violations; expected one row a candidate");
    }
    int constraints = violations[0].length;
    int[] worst = new int[n];
    if (rankObjectives) {
      raise(worst, objectives);
    }
    for (int k = 0; k < constraints; k++) {
      double[] magnitudes = new double[n];
      for (int i = 0; i < n; i++) {
        if (violations[i].length != constraints) {
          throw new IllegalArgumentException(
              "candidate "
                  + i
                  + " has "
                  + violations[i].length
                  + " violations, not "
                  + constraints);
        }
        magnitudes[i] = Math.max(0, violations[i][k]);
      }
      raise(worst, magnitudes);
    }
    int best = 0;
    for (int i = 1; i < n; i++) {
      if (worst[i] < worst[best] || (worst[i] == worst[best] && objectives[i] < objectives[best])) {
        best = i;
      }
    }
    return best;
  }

  /** Ranks from 1; equal values share the smallest rank of theirs. */
  private static void raise(int[] worst, double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    if (Double.isNaN(sorted[sorted.length - 1])) {
      throw new IllegalArgumentException(
          "an objective or violation is NaN; leave that candidate out");
    }
    for (int i = 0; i < worst.length; i++) {
      int rank = 1;
      while (sorted[rank - 1] < values[i]) {
        rank++;
      }
      worst[i] = Math.max(worst[i], rank);
    }
  }
}
