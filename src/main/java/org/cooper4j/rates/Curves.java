package org.cooper4j.rates;

import java.util.function.Supplier;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Rates over all thresholds. Everything is {@code [K, n]}, one row a group, the columns in the
 * order of falling scores; equal scores have the counts of the last of them.
 */
final class Curves {
  /** A slope that nearly cancels out says nothing of where the threshold goes. */
  private static final double LEAST_SLOPE = 0.1;

  private final RateContext context;
  private final Tensor margins; // [n], differentiable
  private final Tensor truth; // [n]
  private final Tensor rows; // weights [K, n]
  private final Tensor sorted; // scores [n]
  private final Tensor ends; // int64 [n], the column where the run of equal scores ends
  private final Tensor truePositives;
  private final Tensor falsePositives;
  private final Tensor positives; // [K, 1]
  private final Tensor negatives;

  private Curves(RateContext context, String rate) {
    context.requireAllHere(rate);
    this.context = context;
    truth = context.truth(rate);
    margins = context.margins(rate);
    if (context.size() == 0) {
      throw new IllegalArgumentException(rate + " needs at least one example; there is none");
    }
    try (NoGradGuard noGrad = new NoGradGuard()) {
      Tensor scores = margins.detach().to(ScalarType.Double);
      Tensor order = scores.argsort(0, true);
      long n = context.size();
      rows = context.groups().rows(context.weights());
      sorted = scores.index_select(0, order);
      Tensor columns = torch.ones_like(order).cumsum(0).sub(Constants.NEXT);
      Tensor same = sorted.narrow(0, 1, n - 1).eq(sorted.narrow(0, 0, n - 1));
      ends =
          torch
              .cat(
                  new TensorVector(
                      columns.narrow(0, 0, n - 1).masked_fill(same, new Scalar(n)),
                      columns.narrow(0, n - 1, 1)))
              .flip(0)
              .cummin(0)
              .get0()
              .flip(0)
              .to(ScalarType.Long);
      Tensor ofPositives = rows.mul(truth);
      truePositives = counts(ofPositives, order);
      falsePositives = counts(rows.sub(ofPositives), order);
      positives = truePositives.narrow(1, n - 1, 1);
      negatives = falsePositives.narrow(1, n - 1, 1);
    }
  }

  private Tensor counts(Tensor weights, Tensor order) {
    return weights.index_select(1, order).cumsum(1).index_select(1, ends);
  }

  static Rate rocAuc(RateContext context) {
    Curves curves = new Curves(context, "the ROC-AUC");
    Tensor area = curves.area();
    Tensor pairs = curves.positives.mul(curves.negatives);
    return Rate.quotient(
        curves.pairs(curves.shaped(area)),
        Bounds.constant(curves.shaped(pairs.squeeze(1))),
        context::total,
        context.dtype());
  }

  /** Pairs in the right order; ties half, by the trapezoid over each run of equal scores. */
  private Tensor area() {
    Tensor steps = falsePositives.sub(before(falsePositives));
    return steps.mul(truePositives.add(before(truePositives))).sum(1).mul(Constants.HALF);
  }

  private static Tensor before(Tensor counts) {
    Tensor first = counts.narrow(1, 0, 1);
    return torch.cat(
        new TensorVector(torch.zeros_like(first), counts.narrow(1, 0, counts.size(1) - 1)), 1);
  }

  private Bounds pairs(Tensor value) {
    Surrogate surrogate = context.surrogate();
    Tensor above = indices(truth);
    Tensor below = indices(Surrogate.complement(truth));
    Supplier<Tensor> differences =
        () ->
            margins
                .index_select(0, above)
                .unsqueeze(1)
                .sub(margins.index_select(0, below).unsqueeze(0));
    Tensor first = rows.index_select(1, above);
    Tensor second = rows.index_select(1, below);
    Bounds each = surrogate.decide(differences).withValue(value);
    return each.mapBounds(
        all -> shaped(first.matmul(all.to(ScalarType.Double)).mul(second).sum(1)));
  }

  private static Tensor indices(Tensor flags) {
    return flags.nonzero().squeeze(1);
  }

  static Rate prAuc(RateContext context) {
    Curves curves = new Curves(context, "the PR-AUC");
    Tensor steps = curves.truePositives.sub(before(curves.truePositives));
    Tensor value = curves.shaped(steps.mul(curves.precisions()).sum(1));
    return Rate.quotient(
        Bounds.smooth(value, curves::softAveragePrecision),
        Bounds.constant(curves.shaped(curves.positives.squeeze(1))),
        context::total,
        context.dtype());
  }

  private Tensor precisions() {
    return quotient(truePositives, truePositives.add(falsePositives));
  }

  private static Tensor quotient(Tensor numerator, Tensor denominator) {
    return numerator.div(denominator.masked_fill(denominator.eq(Constants.ZERO), Constants.ONE));
  }

  /** Σ over positives of the soft precision at their own scores, each of which counts itself. */
  private Tensor softAveragePrecision() {
    Tensor at = indices(truth);
    Tensor differences =
        margins.unsqueeze(0).sub(margins.index_select(0, at).unsqueeze(1)); // [P, n]
    Tensor everyone = torch.ones_like(truth).cumsum(0).sub(Constants.ONE);
    Tensor self = everyone.unsqueeze(0).eq(at.unsqueeze(1)).to(ScalarType.Double);
    Tensor above = soft(differences).add(self.mul(Constants.HALF));
    Tensor right = above.matmul(rows.mul(truth).t()); // [P, K]
    Tensor all = above.matmul(rows.t());
    return shaped(quotient(right, all).mul(rows.index_select(1, at).t()).sum(0));
  }

  private Tensor soft(Tensor scores) {
    return scores
        .div(new Scalar(context.surrogate().temperature()))
        .sigmoid()
        .to(ScalarType.Double);
  }

  static Rate recallAtPrecision(RateContext context, double precision) {
    Curves curves = new Curves(context, "the recall at a precision");
    Tensor feasible = curves.precisions().ge(new Scalar(precision));
    Tensor coefficients = curves.rows.mul(curves.truth.sub(new Scalar(precision)));
    return curves.best(curves.recalls(), feasible, coefficients, false);
  }

  static Rate precisionAtRecall(RateContext context, double recall) {
    Curves curves = new Curves(context, "the precision at a recall");
    Tensor feasible = curves.recalls().ge(new Scalar(recall));
    return curves.best(curves.precisions(), feasible, curves.rows.mul(curves.truth), true);
  }

  static Rate truePositiveRateAtFalsePositiveRate(RateContext context, double target) {
    Curves curves = new Curves(context, "the true positive rate at a false positive rate");
    Tensor feasible = quotient(curves.falsePositives, curves.negatives).le(new Scalar(target));
    Tensor coefficients = curves.rows.mul(Surrogate.complement(curves.truth));
    return curves.best(curves.recalls(), feasible, coefficients, false);
  }

  private Tensor recalls() {
    return quotient(truePositives, positives);
  }

  /**
   * The best threshold of each group. Where the soft sum of {@code coefficients} [K, n] has to stay
   * as it is, the implicit function theorem says how the threshold follows the scores.
   */
  private Rate best(Tensor objective, Tensor feasible, Tensor coefficients, boolean precision) {
    Tensor candidates = objective.masked_fill(feasible.logical_not(), Constants.ZERO);
    Tensor nobody = positives.eq(Constants.ZERO).logical_or(negatives.eq(Constants.ZERO));
    Tensor value =
        candidates.amax(new long[] {1}, false).masked_fill(nobody.squeeze(1), Constants.NAN);
    Tensor known = nobody.logical_not().to(ScalarType.Double).squeeze(1);
    return Rate.of(
        Bounds.smooth(
            shaped(value).to(context.dtype()),
            () -> {
              Tensor at = threshold(candidates.argmax(new LongOptional(1), false));
              Tensor soft = soft(moved(at, coefficients));
              Tensor right = soft.mul(rows).mul(truth).sum(1);
              Tensor all = precision ? soft.mul(rows).sum(1) : positives.squeeze(1);
              return shaped(quotient(right, all).mul(known)).to(context.dtype());
            }));
  }

  /** Between the last score that is positive and the next: {@code [K, 1]}. */
  private Tensor threshold(Tensor column) {
    Tensor last = ends.index_select(0, column);
    Tensor next = last.add(Constants.NEXT).clamp_max(new Scalar(context.size() - 1));
    return sorted
        .index_select(0, last)
        .add(sorted.index_select(0, next))
        .mul(Constants.HALF)
        .unsqueeze(1);
  }

  private Tensor moved(Tensor threshold, Tensor coefficients) {
    Tensor distances = margins.unsqueeze(0).sub(threshold);
    Tensor soft = soft(distances);
    Tensor kept = soft.mul(coefficients).sum(1);
    Tensor plain = soft.detach();
    Tensor slopes = plain.mul(Surrogate.complement(plain)).mul(coefficients);
    Tensor slope = slopes.sum(1).div(new Scalar(-context.surrogate().temperature()));
    Tensor size = slopes.abs().sum(1).div(new Scalar(context.surrogate().temperature()));
    Tensor flat = slope.abs().le(size.mul(new Scalar(LEAST_SLOPE)));
    Tensor follow =
        kept.sub(kept.detach())
            .div(slope.masked_fill(flat, Constants.ONE))
            .masked_fill(flat, Constants.ZERO);
    return distances.add(follow.unsqueeze(1));
  }

  private Tensor shaped(Tensor perGroup) {
    return context.groups().isNone() ? perGroup.squeeze(0) : perGroup;
  }
}
