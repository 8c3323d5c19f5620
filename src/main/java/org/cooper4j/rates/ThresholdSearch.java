package org.cooper4j.rates;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.ConstraintState;
import org.cooper4j.internal.Mixture;
import org.cooper4j.internal.Readout;

/**
 * The linear programme behind {@link Thresholds}. What is linear in the decisions is, up to a
 * constant, the sum of what each group's decisions add to a start where nobody is positive; so one
 * evaluation a group and threshold says what every mixture gives.
 */
final class ThresholdSearch {
  private static final double LINEAR = 1e-6;
  private static final int CHECKS = 3;

  private final RateContext context;
  private final Function<RateContext, Rate> objective;
  private final List<Function<RateContext, ConstraintState>> constraints;
  private final double[] scores;
  private final int[] codes;
  private final double[][] thresholds; // of each group, rising
  private final double[] none; // objective and violations where nobody is positive
  private final double[][][] parts; // what each group adds at each threshold

  ThresholdSearch(
      RateContext context,
      int candidates,
      Function<RateContext, Rate> objective,
      List<Function<RateContext, ConstraintState>> constraints) {
    this.context = context;
    this.objective = objective;
    this.constraints = constraints;
    if (context.isMulticlass()) {
      throw new IllegalArgumentException(
          "thresholds are for scores [n]; scores of classes have none");
    }
    if (context.size() == 0 || candidates < 2) {
      throw new IllegalArgumentException(
          "there are "
              + context.size()
              + " examples and "
              + candidates
              + " candidates; expected an example at least, and 2 candidates");
    }
    Groups groups = context.groups();
    if (!groups.isNone() && groups.codes() == null) {
      throw new IllegalArgumentException(
          "groups by masks may overlap, so that an example would have several thresholds; split"
              + " with groupBy, and split anew by masks in the constraints");
    }
    scores = Readout.values(context.scores());
    codes =
        groups.isNone()
            ? new int[scores.length]
            : Arrays.stream(Readout.values(groups.codes())).mapToInt(code -> (int) code).toArray();
    int count = Math.max(1, groups.count());
    thresholds = new double[count][];
    for (int g = 0; g < count; g++) {
      thresholds[g] = candidates(g, candidates);
    }
    none = evaluate(new double[scores.length]);
    parts = new double[count][][];
    for (int g = 0; g < count; g++) {
      int group = g;
      parts[g] =
          Arrays.stream(thresholds[g])
              .mapToObj(threshold -> minus(evaluate(decisions(group, threshold)), none))
              .toArray(double[][]::new);
    }
    requireLinear();
  }

  /** Below all scores, between any two that follow each other, above all; evenly not too many. */
  private double[] candidates(int group, int most) {
    double[] distinct =
        IntStream.range(0, scores.length)
            .filter(i -> codes[i] == group)
            .mapToDouble(i -> scores[i])
            .distinct()
            .sorted()
            .toArray();
    double[] all = new double[distinct.length + 1];
    all[0] = Double.NEGATIVE_INFINITY;
    for (int i = 1; i < distinct.length; i++) {
      all[i] = between(distinct[i - 1], distinct[i]);
    }
    all[distinct.length] = Double.POSITIVE_INFINITY;
    if (all.length <= most) {
      return all;
    }
    return IntStream.range(0, most)
        .mapToDouble(i -> all[(int) ((long) i * (all.length - 1) / (most - 1))])
        .toArray();
  }

  /** At least the lower and below the higher. */
  private static double between(double lower, double higher) {
    double middle = lower / 2 + higher / 2;
    return middle < higher ? middle : lower;
  }

  private double[] decisions(int group, double threshold) {
    return IntStream.range(0, scores.length)
        .mapToDouble(i -> codes[i] == group && scores[i] > threshold ? 1 : 0)
        .toArray();
  }

  /** Objective and violations of decisions 0, ½ or 1. */
  private double[] evaluate(double[] decisions) {
    Tensor signs = Tensor.create(Arrays.stream(decisions).map(each -> 2 * each - 1).toArray());
    RateContext decided = context.withScores(signs.to(context.device(), ScalarType.Double));
    double[] goal = Readout.values(objective.apply(decided).value());
    if (goal.length != 1) {
      throw new IllegalArgumentException(
          "the objective has "
              + goal.length
              + " elements; expected a scalar, such as the error rate of context.ungrouped()");
    }
    List<double[]> all = new ArrayList<>(List.of(goal));
    for (var constraint : constraints) {
      ConstraintState state = constraint.apply(decided);
      all.add(Readout.values(state.strictViolation().orElse(state.violation())));
    }
    double[] found = all.stream().flatMapToDouble(Arrays::stream).toArray();
    if (!Arrays.stream(found).allMatch(Double::isFinite)) {
      throw new IllegalArgumentException(
          "an objective or constraint is not defined for all decisions, such as a rate of nobody");
    }
    return found;
  }

  private static double[] minus(double[] a, double[] b) {
    double[] difference = new double[a.length];
    Arrays.setAll(difference, i -> a[i] - b[i]);
    return difference;
  }

  /** That even mixtures of two thresholds in all groups give what the sums say. */
  private void requireLinear() {
    SplittableRandom random = new SplittableRandom(0);
    for (int check = 0; check < CHECKS; check++) {
      double[] decisions = new double[scores.length];
      double[] expected = none.clone();
      for (int g = 0; g < thresholds.length; g++) {
        for (int half = 0; half < 2; half++) {
          int chosen = random.nextInt(thresholds[g].length);
          double[] own = decisions(g, thresholds[g][chosen]);
          Arrays.setAll(decisions, i -> decisions[i] + own[i] / 2);
          double[] part = parts[g][chosen];
          Arrays.setAll(expected, k -> expected[k] + part[k] / 2);
        }
      }
      double[] found = evaluate(decisions);
      for (int k = 0; k < found.length; k++) {
        if (Math.abs(found[k] - expected[k]) > LINEAR) {
          throw new IllegalArgumentException(
              (k == 0 ? "the objective" : "violation " + (k - 1) + " of the constraints")
                  + " is not linear in the decisions, so that no linear programme finds thresholds:"
                  + " compare groups by deviations, and ratios n / d by n − p d");
        }
      }
    }
  }

  List<List<Thresholds.Choice>> choices() {
    List<Integer> groups = new ArrayList<>();
    List<double[]> columns = new ArrayList<>();
    for (int g = 0; g < parts.length; g++) {
      for (double[] part : parts[g]) {
        groups.add(g);
        columns.add(g == 0 ? minus(part, minus(new double[none.length], none)) : part);
      }
    }
    double[] weights =
        Mixture.best(
            groups.stream().mapToInt(Integer::intValue).toArray(),
            columns.stream().mapToDouble(column -> column[0]).toArray(),
            columns.stream()
                .map(column -> Arrays.copyOfRange(column, 1, column.length))
                .toArray(double[][]::new));
    List<List<Thresholds.Choice>> choices = new ArrayList<>();
    int next = 0;
    for (double[] own : thresholds) {
      List<Thresholds.Choice> chosen = new ArrayList<>();
      for (double threshold : own) {
        double weight = weights[next++];
        if (weight > 0) {
          chosen.add(new Thresholds.Choice(threshold, weight));
        }
      }
      choices.add(List.copyOf(chosen));
    }
    return List.copyOf(choices);
  }
}
