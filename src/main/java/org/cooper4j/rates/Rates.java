package org.cooper4j.rates;

import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The rates of a {@link RateContext}: weighted sums over weighted sums, as TensorFlow Constrained
 * Optimization defines them. Below, P and N are the weights of the examples labelled positive and
 * negative, TP, FP, TN and FN those that are predicted so rightly and wrongly, and W is all weight.
 *
 * <p>The mean over batches of a rate whose denominator varies is not the rate of the whole data, by
 * the covariance of rate and denominator, O(1/d) of the d examples that a batch counts; groups
 * missing from a batch come on top of it. {@link RunningSums} mend both, {@link
 * BalancedBatchSampler} keeps d even.
 *
 * <p>All throw an IllegalArgumentException if the context has no labels, or of several classes does
 * not say which are positive, where that is needed.
 */
public final class Rates {
  private Rates() {}

  /** Predicted positive: (TP + FP) / W. Needs no labels. */
  public static Rate positivePredictionRate(RateContext context) {
    return context.rate(Tally.POSITIVE_PREDICTION_RATE, "the positive prediction rate");
  }

  /** Predicted negative: (TN + FN) / W. Needs no labels. */
  public static Rate negativePredictionRate(RateContext context) {
    return context.rate(Tally.NEGATIVE_PREDICTION_RATE, "the negative prediction rate");
  }

  /** Predicted wrong: (FP + FN) / W; of several classes, any but the label's. */
  public static Rate errorRate(RateContext context) {
    String rate = "the error rate";
    return context.isMulticlass()
        ? Tally.NEGATIVE_PREDICTION_RATE.rate(context, context.right(rate), null)
        : context.rate(Tally.ERROR_RATE, rate);
  }

  /** Predicted right: (TP + TN) / W; of several classes, the label's. */
  public static Rate accuracy(RateContext context) {
    String rate = "the accuracy";
    return context.isMulticlass()
        ? Tally.POSITIVE_PREDICTION_RATE.rate(context, context.right(rate), null)
        : context.rate(Tally.ACCURACY, rate);
  }

  /** Recall, sensitivity: TP / P. */
  public static Rate truePositiveRate(RateContext context) {
    return context.rate(Tally.TRUE_POSITIVE_RATE, "the true positive rate");
  }

  /** Misses: FN / P. */
  public static Rate falseNegativeRate(RateContext context) {
    return context.rate(Tally.FALSE_NEGATIVE_RATE, "the false negative rate");
  }

  /** False alarms: FP / N. */
  public static Rate falsePositiveRate(RateContext context) {
    return context.rate(Tally.FALSE_POSITIVE_RATE, "the false positive rate");
  }

  /** Specificity: TN / N. */
  public static Rate trueNegativeRate(RateContext context) {
    return context.rate(Tally.TRUE_NEGATIVE_RATE, "the true negative rate");
  }

  /** TP / W. */
  public static Rate truePositiveProportion(RateContext context) {
    return context.rate(Tally.TRUE_POSITIVE_PROPORTION, "the true positive proportion");
  }

  /** FN / W. */
  public static Rate falseNegativeProportion(RateContext context) {
    return context.rate(Tally.FALSE_NEGATIVE_PROPORTION, "the false negative proportion");
  }

  /** FP / W. */
  public static Rate falsePositiveProportion(RateContext context) {
    return context.rate(Tally.FALSE_POSITIVE_PROPORTION, "the false positive proportion");
  }

  /** TN / W. */
  public static Rate trueNegativeProportion(RateContext context) {
    return context.rate(Tally.TRUE_NEGATIVE_PROPORTION, "the true negative proportion");
  }

  /** Positive predictive value: TP / (TP + FP); NaN where nobody is predicted positive. */
  public static Rate precision(RateContext context) {
    String rate = "the precision";
    return quotient(
        context,
        context.sum(Tally.TRUE_POSITIVE_PROPORTION, rate),
        context.sum(Tally.POSITIVE_PREDICTION_RATE, rate));
  }

  /**
   * (1 + β²) TP / ((1 + β²) TP + β² FN + FP): the mean of precision and recall, harmonic for β = 1,
   * which approaches the precision for β to 0 and the recall for large β.
   *
   * @throws IllegalArgumentException if β is negative or not finite
   */
  public static Rate fScore(RateContext context, double beta) {
    if (!(beta >= 0) || Double.isInfinite(beta)) {
      throw new IllegalArgumentException("beta is " + beta + "; it must be finite and >= 0");
    }
    String rate = "the F-score";
    Tensor truth = context.truth(rate);
    double square = beta * beta;
    UnaryOperator<Tensor> scaled = each -> each.mul(new Scalar(1 + square));
    // (1 + β²) TP + β² FN + FP = β² P + (TP + FP)
    Bounds labelled = Bounds.constant(context.sum(truth).mul(new Scalar(square)));
    return quotient(
        context,
        context.sum(Tally.TRUE_POSITIVE_PROPORTION, rate).map(scaled),
        context.sum(Tally.POSITIVE_PREDICTION_RATE, rate).plus(labelled));
  }

  /** {@link #fScore(RateContext, double)} with β = 1. */
  public static Rate fScore(RateContext context) {
    return fScore(context, 1);
  }

  /**
   * The area under the receiver operating characteristic: the weight of pairs of a positive and a
   * negative example with the positive one scored higher, ties half, over that of all pairs (Hanley
   * and McNeil, Radiology 1982); NaN for one class only. The value takes O(K n + n log n); the
   * surrogate, that of score differences, O(P N) for each group, so take batches.
   */
  public static Rate rocAuc(RateContext context) {
    return Curves.rocAuc(context);
  }

  /**
   * The area under precision and recall, as average precision: Σ (recall_i − recall_{i−1})
   * precision_i over all thresholds; NaN without positives. The surrogate ranks softly (Brown et
   * al., "Smooth-AP", ECCV 2020), and takes O(P n) for each group.
   */
  public static Rate prAuc(RateContext context) {
    return Curves.prAuc(context);
  }

  /**
   * The highest recall of any threshold whose precision is at least a number; 0 if none is. The
   * surrogate is the soft recall at that threshold, which moves with the scores as the soft
   * precision asks for (Eban et al., "Scalable Learning of Non-Decomposable Objectives", AISTATS
   * 2017). NaN for one class only. So for the other two.
   *
   * @throws IllegalArgumentException unless 0 &lt; precision &lt; 1
   */
  public static Rate recallAtPrecision(RateContext context, double precision) {
    return Curves.recallAtPrecision(context, requireOpen(precision, "precision"));
  }

  /**
   * The highest precision of any threshold whose recall is at least a number.
   *
   * @throws IllegalArgumentException unless 0 &lt; recall &lt; 1
   */
  public static Rate precisionAtRecall(RateContext context, double recall) {
    return Curves.precisionAtRecall(context, requireOpen(recall, "recall"));
  }

  /**
   * The highest true positive rate of any threshold whose false positive rate is at most a number.
   *
   * @throws IllegalArgumentException unless 0 &lt; falsePositiveRate &lt; 1
   */
  public static Rate truePositiveRateAtFalsePositiveRate(
      RateContext context, double falsePositiveRate) {
    return Curves.truePositiveRateAtFalsePositiveRate(
        context, requireOpen(falsePositiveRate, "false positive rate"));
  }

  private static double requireOpen(double target, String what) {
    if (!(target > 0 && target < 1)) {
      throw new IllegalArgumentException(
          "the " + what + " is " + target + "; it must lie between 0 and 1, both excluded");
    }
    return target;
  }

  private static Rate quotient(RateContext context, Bounds numerator, Bounds denominator) {
    return context.summed(Rate.quotient(numerator, denominator, context::total, context.dtype()));
  }
}
