package org.cooper4j.rates;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.ConstraintState;
import org.cooper4j.internal.Readout;

/**
 * Thresholds of each group for a model that stays as it is, chosen under the constraints that one
 * would train with (post-processing, Hardt, Price and Srebro, "Equality of Opportunity in
 * Supervised Learning", NeurIPS 2016). Where no single threshold of a group will do, it has a
 * mixture of some, and an example between them is positive by chance.
 *
 * <pre>{@code
 * Thresholds thresholds = Thresholds.choose(
 *     RateContext.of(logits, labels).groupBy(sex, 2),
 *     everybody -> Rates.errorRate(everybody.ungrouped()),
 *     bySex -> Fairness.EQUAL_OPPORTUNITY.deviations(bySex).within(0.02));
 * Tensor decisions = thresholds.decide(newLogits, newSex, 0);
 * }</pre>
 *
 * <p>Expected rates are exact on the data they were chosen with: the mixture solves the linear
 * programme over all candidates. What fairlearn's {@code ThresholdOptimizer} gives is the case of
 * one notion without tolerance. To know the group of who is judged may be unlawful where training
 * under the same constraints is not.
 *
 * <p>It needs ojAlgo, as {@link org.cooper4j.optim.Candidates#findBestCandidateDistribution}.
 */
public final class Thresholds {
  /** How often a group has a threshold; scores above it are positive. */
  public record Choice(double threshold, double probability) {}

  private final List<List<Choice>> groups;

  private Thresholds(List<List<Choice>> groups) {
    this.groups = groups;
  }

  /** {@link #choose(RateContext, int, Function, List)} with 100 candidates a group. */
  @SafeVarargs
  public static Thresholds choose(
      RateContext context,
      Function<RateContext, Rate> objective,
      Function<RateContext, ConstraintState>... constraints) {
    return choose(context, 100, objective, List.of(constraints));
  }

  /**
   * Chooses thresholds.
   *
   * @param context scores {@code [n]} with what the rates need; split by {@code groupBy}, each
   *     group gets thresholds of its own, else all have the same
   * @param candidates how many thresholds of each group are looked at, at least 2: all that make a
   *     difference, if there are not more, else as many of them, evenly by rank; each costs an
   *     evaluation of objective and constraints on all data
   * @param objective what to minimise, a scalar; it and the constraints are given the context with
   *     other scores
   * @param constraints as in training; where not all can be met, the largest violation is least
   * @throws IllegalArgumentException if scores are of classes, groups may overlap, or an objective
   *     or constraint is not linear in the decisions, as precisions and differences of extreme
   *     groups are not
   * @throws IllegalStateException if ojAlgo is missing
   */
  public static Thresholds choose(
      RateContext context,
      int candidates,
      Function<RateContext, Rate> objective,
      List<Function<RateContext, ConstraintState>> constraints) {
    context.requireAllHere("a choice of thresholds");
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      ThresholdSearch search = new ThresholdSearch(context, candidates, objective, constraints);
      return new Thresholds(search.choices());
    }
  }

  /** The thresholds of each group, rising, in the order of the context's groups. */
  public List<List<Choice>> choices() {
    return groups;
  }

  /**
   * How likely each example is positive.
   *
   * @param scores floating point {@code [n]}
   * @param codes the group of each, {@code [n]}; null if there was no split
   * @return float64 {@code [n]}, on the CPU; an expected rate is that of these as partial decisions
   * @throws IllegalArgumentException if shapes or codes do not fit
   */
  public Tensor probabilities(Tensor scores, Tensor codes) {
    return Tensor.create(values(scores, codes));
  }

  /**
   * Decides.
   *
   * @param scores floating point {@code [n]}
   * @param codes the group of each, {@code [n]}; null if there was no split
   * @param seed of the chances, for examples between the thresholds of a mixture
   * @return 1 or 0, float32 {@code [n]}, on the CPU
   * @throws IllegalArgumentException if shapes or codes do not fit
   */
  public Tensor decide(Tensor scores, Tensor codes, long seed) {
    double[] probabilities = values(scores, codes);
    SplittableRandom random = new SplittableRandom(seed);
    float[] decisions = new float[probabilities.length];
    for (int i = 0; i < decisions.length; i++) {
      decisions[i] = random.nextDouble() < probabilities[i] ? 1 : 0;
    }
    return Tensor.create(decisions);
  }

  private double[] values(Tensor scores, Tensor codes) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      RateContext context = RateContext.of(scores);
      if (codes == null && groups.size() > 1) {
        throw new IllegalArgumentException(
            "there are thresholds of " + groups.size() + " groups; give the group of each example");
      }
      double[] plain = Readout.values(scores);
      double[] group =
          codes == null
              ? new double[plain.length]
              : Readout.values(context.groupBy(codes, groups.size()).groups().codes());
      double[] found = new double[plain.length];
      for (int i = 0; i < found.length; i++) {
        for (Choice choice : groups.get((int) group[i])) {
          found[i] += plain[i] > choice.threshold ? choice.probability : 0;
        }
      }
      return found;
    }
  }

  /** Thresholds and probabilities by group, for a checkpoint. */
  public Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("thresholds", each(Choice::threshold));
    state.put("probabilities", each(Choice::probability));
    return state;
  }

  private List<Object> each(Function<Choice, Double> part) {
    List<Object> all = new ArrayList<>();
    groups.forEach(group -> all.add(new ArrayList<>(group.stream().map(part).toList())));
    return all;
  }

  /**
   * Makes them of what {@link #stateDict()} gave.
   *
   * @throws IllegalArgumentException if it is something else
   */
  public static Thresholds of(Map<String, ?> stateDict) {
    double[][] thresholds = read(stateDict, "thresholds");
    double[][] probabilities = read(stateDict, "probabilities");
    if (thresholds.length != probabilities.length || thresholds.length == 0) {
      throw new IllegalArgumentException(
          "expected thresholds and probabilities of the same groups, found "
              + thresholds.length
              + " and "
              + probabilities.length);
    }
    List<List<Choice>> groups = new ArrayList<>();
    for (int g = 0; g < thresholds.length; g++) {
      double[] values = thresholds[g];
      double[] shares = probabilities[g];
      if (values.length != shares.length
          || Arrays.stream(values).anyMatch(Double::isNaN)
          || !Arrays.stream(shares).allMatch(share -> share >= 0)
          || !(Math.abs(Arrays.stream(shares).sum() - 1) <= 1e-6)) {
        throw new IllegalArgumentException(
            "group " + g + ": expected as many probabilities as thresholds, summing to 1");
      }
      groups.add(
          IntStream.range(0, values.length)
              .mapToObj(i -> new Choice(values[i], shares[i]))
              .toList());
    }
    return new Thresholds(List.copyOf(groups));
  }

  private static double[][] read(Map<String, ?> state, String key) {
    if (state.get(key) instanceof List<?> rows
        && rows.stream()
            .allMatch(
                row ->
                    row instanceof List<?> list
                        && list.stream().allMatch(Double.class::isInstance))) {
      return rows.stream()
          .map(row -> ((List<?>) row).stream().mapToDouble(value -> (Double) value).toArray())
          .toArray(double[][]::new);
    }
    throw new IllegalArgumentException(key + ": expected lists of numbers, one a group");
  }

  @Override
  public String toString() {
    return "Thresholds" + groups;
  }
}
