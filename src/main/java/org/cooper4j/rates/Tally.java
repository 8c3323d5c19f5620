package org.cooper4j.rates;

import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.internal.Native;

/**
 * What an example of each label counts of a decision x in [0, 1], if it has weight w: w (slope x +
 * constant) to the numerator of a rate, w counts to its denominator. All rates but those of several
 * thresholds are such sums, or quotients of them.
 */
enum Tally {
  POSITIVE_PREDICTION_RATE(1, 1, 0, 0, 1, 1),
  NEGATIVE_PREDICTION_RATE(-1, -1, 1, 1, 1, 1),
  ERROR_RATE(1, -1, 0, 1, 1, 1),
  ACCURACY(-1, 1, 1, 0, 1, 1),
  TRUE_POSITIVE_RATE(0, 1, 0, 0, 0, 1),
  FALSE_NEGATIVE_RATE(0, -1, 0, 1, 0, 1),
  FALSE_POSITIVE_RATE(1, 0, 0, 0, 1, 0),
  TRUE_NEGATIVE_RATE(-1, 0, 1, 0, 1, 0),
  TRUE_POSITIVE_PROPORTION(0, 1, 0, 0, 1, 1),
  FALSE_NEGATIVE_PROPORTION(0, -1, 0, 1, 1, 1),
  FALSE_POSITIVE_PROPORTION(1, 0, 0, 0, 1, 1),
  TRUE_NEGATIVE_PROPORTION(-1, 0, 1, 0, 1, 1);

  // rates::Input of the native layer.
  private static final int SCORES = 0;
  private static final int SHARES = 1;
  private static final int SURROGATE = 2;

  private final double[] numbers;

  /** In pairs of the labels 0 and 1. */
  Tally(double... numbers) {
    this.numbers = numbers;
  }

  /** Whether it is the same for both labels. */
  boolean needsNoLabels() {
    return numbers[0] == numbers[1] && numbers[2] == numbers[3];
  }

  /** The rate of the decisions, {@code [K]} or a scalar. */
  Rate rate(RateContext context, Decisions decisions, Tensor truth) {
    ScalarType dtype = context.dtype();
    Count quotients =
        (x, input) ->
            Native.tallyQuotients(
                x,
                input,
                truth,
                context.plainWeights(),
                context.groups().tensor(),
                context.groups().count(),
                numbers,
                dtype == ScalarType.Double);
    return context.summed(
        Rate.share(
            bounds(decisions, truth, quotients),
            () -> {
              Bounds sums = sums(context, decisions, truth);
              return new Sums(sums.value(), sums.upper(), sums.lower());
            },
            () -> effectiveCount(context, truth),
            dtype));
  }

  /** (Σw)² / Σw² of those in the denominator, the number of equal weights that tell as much. */
  private Tensor effectiveCount(RateContext context, Tensor truth) {
    Tensor theirs = context.weights();
    boolean negatives = numbers[4] > 0;
    boolean positives = numbers[5] > 0;
    if (negatives != positives) {
      theirs = theirs.mul(positives ? truth : Surrogate.complement(truth));
    }
    Groups groups = context.groups();
    return groups.sum(theirs).square().div(groups.sum(theirs.square()));
  }

  /** The numerators of {@link #rate}. */
  Bounds sum(RateContext context, Decisions decisions, Tensor truth) {
    return sums(context, decisions, truth).map(each -> each.select(0, 0));
  }

  /** Numerators, denominators and weights, as {@link Sums}. */
  private Bounds sums(RateContext context, Decisions decisions, Tensor truth) {
    Count sums =
        (x, input) ->
            Native.tallySums(
                x,
                input,
                truth,
                context.plainWeights(),
                context.groups().tensor(),
                context.groups().count(),
                numbers);
    return bounds(decisions, truth, sums);
  }

  private interface Count {
    Tensor of(Tensor x, int input);
  }

  private Bounds bounds(Decisions decisions, Tensor truth, Count count) {
    Tensor value = count.of(decisions.value(), decisions.ofScores() ? SCORES : SHARES);
    Supplier<Tensor> upper = () -> count.of(side(decisions.surrogate(), truth, true), SURROGATE);
    return decisions.surrogate().isSmooth()
        ? Bounds.smooth(value, upper)
        : Bounds.of(
            value, upper, () -> count.of(side(decisions.surrogate(), truth, false), SURROGATE));
  }

  /** The decisions whose sum bounds the numerator from above, or from below. */
  private Tensor side(Bounds surrogate, Tensor truth, boolean above) {
    boolean rises = numbers[0] + numbers[1] > 0;
    if (surrogate.isSmooth() || numbers[0] * numbers[1] >= 0) {
      return rises == above ? surrogate.upper() : surrogate.lower();
    }
    Tensor ofNegatives = numbers[0] > 0 == above ? surrogate.upper() : surrogate.lower();
    Tensor ofPositives = numbers[1] > 0 == above ? surrogate.upper() : surrogate.lower();
    Tensor change = ofPositives.sub(ofNegatives).mul(truth.to(ofNegatives.scalar_type()));
    return ofNegatives.add(change);
  }
}
