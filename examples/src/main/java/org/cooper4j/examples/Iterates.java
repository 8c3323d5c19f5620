package org.cooper4j.examples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.cooper4j.ConstraintState;
import org.cooper4j.optim.Candidates;
import org.cooper4j.rates.RateContext;
import org.cooper4j.rates.Rates;
import org.cooper4j.training.Panel;

/** Errors and violations of a run's iterates on one data set. */
final class Iterates {
  private final List<Double> errors = new ArrayList<>();
  private final List<double[]> violations = new ArrayList<>();

  /** Adds an iterate, of what it does to all people. */
  void add(RateContext all, ConstraintState constraint) {
    errors.add(Rates.errorRate(all.ungrouped()).value().item_double());
    violations.add(Values.of(constraint.strictViolation().orElseThrow()));
  }

  double[] errors() {
    return errors.stream().mapToDouble(Double::doubleValue).toArray();
  }

  double[][] violations() {
    return violations.toArray(double[][]::new);
  }

  /** The largest violation of each iterate. */
  double[] largest() {
    return violations.stream().mapToDouble(row -> Arrays.stream(row).max().orElseThrow()).toArray();
  }

  /** Of the last iterate, as of a mixture. */
  double[] last() {
    return only(errors.size() - 1);
  }

  /** The best one by the ranks of error and violation. */
  int best() {
    return Candidates.findBestCandidateIndex(errors(), violations(), true);
  }

  /** The feasible one that errs least; if none is feasible, the one that violates least. */
  int bestFeasible() {
    return Candidates.findBestCandidateIndex(errors(), violations(), false);
  }

  /** All of them, as often. */
  double[] uniform() {
    double[] probabilities = new double[errors.size()];
    Arrays.fill(probabilities, 1.0 / errors.size());
    return probabilities;
  }

  /** The best mixture. */
  double[] mixture() {
    return Candidates.findBestCandidateDistribution(errors(), violations());
  }

  /** One of them, as a mixture. */
  double[] only(int iterate) {
    double[] probabilities = new double[errors.size()];
    probabilities[iterate] = 1;
    return probabilities;
  }

  /** Expected error and largest expected violation of a mixture. */
  double[] expected(double[] probabilities) {
    double error = 0;
    double[] means = new double[violations.get(0).length];
    for (int i = 0; i < probabilities.length; i++) {
      double probability = probabilities[i];
      double[] row = violations.get(i);
      error += probability * errors.get(i);
      Arrays.setAll(means, k -> means[k] + probability * row[k]);
    }
    return new double[] {error, Arrays.stream(means).max().orElseThrow()};
  }

  /** Draws the trade-off, and the iterate that was chosen. */
  Panel draw(Panel panel, int best) {
    return panel.candidates(errors(), violations(), best);
  }

  /** Draws a mixture among them, too. */
  Panel draw(Panel panel, int best, double[] mixture) {
    return draw(panel, best).mixture(mixture, errors(), violations());
  }
}
