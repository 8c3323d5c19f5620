package org.cooper4j.internal;

import java.util.Arrays;
import org.ojalgo.optimisation.Optimisation;
import org.ojalgo.optimisation.linear.LinearSolver;

/**
 * The best mixture of alternatives, by ojAlgo's simplex method, which gives a corner of the
 * feasible set: as many weights are above 0 as there are constraints and groups, at most.
 */
public final class Mixture {
  private static final String MISSING =
      "this is a linear programme, which needs ojAlgo; add the dependency"
          + " org.ojalgo:ojalgo:56.0.0, and in a module 'requires ojalgo;'";
  private static final double ROUNDING = 1e-12;

  private Mixture() {}

  /**
   * The weights w ≥ 0 that minimise Σ w_i cost_i while no Σ w_i violation_ik is above 0, or, if
   * that cannot be, above the least number that can; the weights of each group sum to 1.
   *
   * @param groups the group of each alternative, from 0 without gaps
   * @param costs of each alternative, finite
   * @param violations of each alternative, one a constraint, finite
   * @throws IllegalStateException if ojAlgo is missing, or finds no solution
   */
  public static double[] best(int[] groups, double[] costs, double[][] violations) {
    try {
      return Simplex.solve(groups, costs, violations);
    } catch (NoClassDefFoundError e) {
      throw new IllegalStateException(MISSING, e);
    }
  }

  /** Apart, so that the class above is there without ojAlgo. */
  private static final class Simplex {
    private final int[] groups;
    private final double[][] rows; // one a constraint, divided by its scale
    private final double[] scales;

    private Simplex(int[] groups, double[][] violations) {
      this.groups = groups;
      int constraints = violations[0].length;
      scales = new double[constraints];
      rows = new double[constraints][groups.length];
      for (int k = 0; k < constraints; k++) {
        int row = k;
        double most = Arrays.stream(violations).mapToDouble(v -> Math.abs(v[row])).max().orElse(0);
        scales[k] = most > 0 ? most : 1;
        for (int i = 0; i < groups.length; i++) {
          rows[k][i] = violations[i][k] / scales[k];
        }
      }
    }

    static double[] solve(int[] groups, double[] costs, double[][] violations) {
      Simplex simplex = new Simplex(groups, violations);
      Optimisation.Result least = simplex.leastViolation();
      double most = Math.max(0, least.doubleValue(groups.length));
      Optimisation.Result best = simplex.cheapest(costs, most);
      return cleaned(groups, best.getState().isFeasible() ? best : least);
    }

    /** The least t with Σ w_i violation_ik ≤ t for all k; t is the last variable. */
    private Optimisation.Result leastViolation() {
      int n = groups.length;
      double[] objective = new double[n + 1];
      objective[n] = 1;
      LinearSolver.Builder problem = problem(objective);
      for (int k = 0; k < rows.length; k++) {
        double[] row = Arrays.copyOf(rows[k], n + 1);
        row[n] = -1 / scales[k];
        problem.inequality(0, row);
      }
      Optimisation.Result result = problem.solve();
      if (!result.getState().isFeasible()) {
        throw new IllegalStateException("the linear programme was not solved: " + result);
      }
      return result;
    }

    private Optimisation.Result cheapest(double[] costs, double violation) {
      LinearSolver.Builder problem = problem(costs);
      for (int k = 0; k < rows.length; k++) {
        problem.inequality(violation / scales[k] + ROUNDING, rows[k]);
      }
      return problem.solve();
    }

    private LinearSolver.Builder problem(double[] objective) {
      LinearSolver.Builder problem = LinearSolver.newBuilder(objective).lower(0);
      for (int g = 0; g <= groups[groups.length - 1]; g++) {
        double[] members = new double[objective.length];
        for (int i = 0; i < groups.length; i++) {
          members[i] = groups[i] == g ? 1 : 0;
        }
        problem.equality(1, members);
      }
      return problem;
    }

    /** Without what rounding left, and summing to 1. */
    private static double[] cleaned(int[] groups, Optimisation.Result result) {
      double[] weights = new double[groups.length];
      double[] sums = new double[groups[groups.length - 1] + 1];
      for (int i = 0; i < weights.length; i++) {
        double weight = result.doubleValue(i);
        weights[i] = weight > ROUNDING ? weight : 0;
        sums[groups[i]] += weights[i];
      }
      for (int i = 0; i < weights.length; i++) {
        weights[i] /= sums[groups[i]];
      }
      return weights;
    }
  }
}
