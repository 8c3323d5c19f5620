package org.cooper4j.rates;

import java.util.function.Supplier;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Rates over all thresholds; what is {@code [m]} has a number for each entry of a ranking. */
final class Curves {
  /** A slope that nearly cancels out says nothing of where the threshold goes. */
  private static final double LEAST_SLOPE = 0.1;

  private final RateContext context;
  private final Groups groups;
  private final Tensor margins; // [n], differentiable
  private final Tensor truth; // [n]
  private final Ranking ranking;
  private final Tensor isPositive; // [m], 0 or 1
  private final Tensor truePositives; // [m]
  private final Tensor falsePositives;
  private final Tensor positives; // [K]
  private final Tensor negatives;

  private Curves(RateContext context, String rate) {
    context.requireAllHere(rate);
    this.context = context;
    groups = context.groups();
    truth = context.truth(rate);
    margins = context.margins(rate);
    if (context.size() == 0) {
      throw new IllegalArgumentException(rate + " needs at least one example; there is none");
    }
    try (NoGradGuard noGrad = new NoGradGuard()) {
      Tensor scores = margins.detach().to(ScalarType.Double);
      ranking = new Ranking(groups, scores, context.weights());
      isPositive = ranking.ofExamples(truth);
      Tensor ofPositives = ranking.weights().mul(isPositive);
      Tensor ofNegatives = ranking.weights().sub(ofPositives);
      truePositives = ranking.counts(ofPositives);
      falsePositives = ranking.counts(ofNegatives);
      positives = ranking.totals(ofPositives);
      negatives = ranking.totals(ofNegatives);
    }
  }

  static Rate rocAuc(RateContext context) {
    Curves curves = new Curves(context, "the ROC-AUC");
    Tensor area = curves.area();
    Tensor pairs = curves.positives.mul(curves.negatives);
    return Rate.quotient(
        curves.pairs(curves.shaped(area)),
        Bounds.constant(curves.shaped(pairs)),
        context::total,
        context.dtype());
  }

  /** Pairs in the right order; ties half, by the trapezoid over each run of equal scores. */
  private Tensor area() {
    Tensor steps = falsePositives.sub(ranking.before(falsePositives));
    Tensor heights = truePositives.add(ranking.before(truePositives));
    return ranking.sum(steps.mul(heights)).mul(Constants.HALF);
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
    Bounds each = surrogate.decide(differences).withValue(value);
    return each.mapBounds(all -> ofPairs(all.to(ScalarType.Double), above, below));
  }

  /** Σ of [P, N] over the pairs of each group, by both weights. */
  private Tensor ofPairs(Tensor all, Tensor above, Tensor below) {
    Tensor weights = context.weights();
    if (groups.codes() == null) {
      Tensor rows = groups.rows(weights);
      Tensor second = rows.index_select(1, below);
      return shaped(rows.index_select(1, above).matmul(all).mul(second).sum(1));
    }
    Tensor ofEach = ofOwnGroup(all, above, below).mv(weights.index_select(0, below));
    return groups.sumOf(above, ofEach.mul(weights.index_select(0, above)));
  }

  /** What has an example for its row and one for its column, where both are of one group. */
  private Tensor ofOwnGroup(Tensor all, Tensor rows, Tensor columns) {
    Tensor codes = groups.codes();
    Tensor others =
        codes.index_select(0, rows).unsqueeze(1).ne(codes.index_select(0, columns).unsqueeze(0));
    return all.masked_fill(others, Constants.ZERO);
  }

  private static Tensor indices(Tensor flags) {
    return flags.nonzero().squeeze(1);
  }

  static Rate prAuc(RateContext context) {
    Curves curves = new Curves(context, "the PR-AUC");
    Tensor steps = curves.truePositives.sub(curves.ranking.before(curves.truePositives));
    Tensor value = curves.shaped(curves.ranking.sum(steps.mul(curves.precisions())));
    return Rate.quotient(
        Bounds.smooth(value, curves::softAveragePrecision),
        Bounds.constant(curves.shaped(curves.positives)),
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
    Tensor weights = context.weights();
    if (groups.codes() == null) {
      Tensor rows = groups.rows(weights);
      Tensor right = above.matmul(rows.mul(truth).t()); // [P, K]
      Tensor all = above.matmul(rows.t());
      return shaped(quotient(right, all).mul(rows.index_select(1, at).t()).sum(0));
    }
    Tensor own = ofOwnGroup(above, at, indices(torch.ones_like(truth)));
    Tensor precisions = quotient(own.mv(weights.mul(truth)), own.mv(weights)); // [P]
    return groups.sumOf(at, precisions.mul(weights.index_select(0, at)));
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
    Tensor coefficients = curves.isPositive.sub(new Scalar(precision));
    return curves.best(curves.recalls(), feasible, coefficients, false);
  }

  static Rate precisionAtRecall(RateContext context, double recall) {
    Curves curves = new Curves(context, "the precision at a recall");
    Tensor feasible = curves.recalls().ge(new Scalar(recall));
    return curves.best(curves.precisions(), feasible, curves.isPositive, true);
  }

  static Rate truePositiveRateAtFalsePositiveRate(RateContext context, double target) {
    Curves curves = new Curves(context, "the true positive rate at a false positive rate");
    Tensor rates = quotient(curves.falsePositives, curves.ranking.ofGroups(curves.negatives));
    Tensor feasible = rates.le(new Scalar(target));
    Tensor coefficients = Surrogate.complement(curves.isPositive);
    return curves.best(curves.recalls(), feasible, coefficients, false);
  }

  private Tensor recalls() {
    return quotient(truePositives, ranking.ofGroups(positives));
  }

  /**
   * The best threshold of each group. Where the soft sum of {@code coefficients} [m] by weights has
   * to stay as it is, the implicit function theorem says how the threshold follows the scores.
   */
  private Rate best(Tensor objective, Tensor feasible, Tensor coefficients, boolean precision) {
    Tensor candidates = objective.masked_fill(feasible.logical_not(), Constants.ZERO);
    Tensor nobody = positives.eq(Constants.ZERO).logical_or(negatives.eq(Constants.ZERO));
    Tensor largest = ranking.largest(candidates);
    Tensor value = largest.masked_fill(nobody, Constants.NAN);
    Tensor known = nobody.logical_not().to(ScalarType.Double);
    return Rate.of(
        Bounds.smooth(
            shaped(value).to(context.dtype()),
            () -> {
              Tensor isBest =
                  candidates
                      .eq(ranking.ofGroups(largest))
                      .logical_and(candidates.ne(Constants.ZERO));
              Tensor at = ranking.thresholds(isBest);
              Tensor soft = soft(moved(at, ranking.weights().mul(coefficients)));
              Tensor of = soft.mul(ranking.weights());
              Tensor right = ranking.sum(of.mul(isPositive));
              Tensor all = precision ? ranking.sum(of) : positives;
              return shaped(quotient(right, all).mul(known)).to(context.dtype());
            }));
  }

  /** How far each entry is above its group's threshold, which follows the scores. */
  private Tensor moved(Tensor thresholds, Tensor coefficients) {
    Tensor distances = ranking.ofExamples(margins).sub(ranking.ofGroups(thresholds));
    Tensor soft = soft(distances);
    Tensor kept = ranking.sum(soft.mul(coefficients));
    Tensor plain = soft.detach();
    Tensor slopes = plain.mul(Surrogate.complement(plain)).mul(coefficients);
    Scalar temperature = new Scalar(context.surrogate().temperature());
    Tensor slope = ranking.sum(slopes).div(temperature).neg();
    Tensor size = ranking.sum(slopes.abs()).div(temperature);
    Tensor flat = slope.abs().le(size.mul(new Scalar(LEAST_SLOPE)));
    Tensor follow =
        kept.sub(kept.detach())
            .div(slope.masked_fill(flat, Constants.ONE))
            .masked_fill(flat, Constants.ZERO);
    return distances.add(ranking.ofGroups(follow));
  }

  private Tensor shaped(Tensor perGroup) {
    return groups.isNone() ? perGroup.squeeze(0) : perGroup;
  }
}
