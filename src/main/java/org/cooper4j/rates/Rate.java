package org.cooper4j.rates;

import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.ConstraintState;
import org.cooper4j.internal.Tensors;

/**
 * A rate, or what is made of rates: its value of 0-1 decisions, and a differentiable surrogate. It
 * is a scalar, or {@code [K]} with an element for each group of its {@link RateContext}.
 *
 * <p>{@link #atMost}, {@link #atLeast} and {@link #within} make constraints of it, whose strict
 * violation, which the multipliers see, is of the value, and whose violation, which the model sees,
 * is of the surrogate (the proxy constraints of Cotter, Jiang and Sridharan, "Two-Player Games for
 * Efficient Non-Convex Constrained Optimization", ALT 2019). Minimise {@link #surrogate()} to make
 * a rate the objective, that of {@code times(-1)} to maximise it.
 *
 * <p>A rate of nobody, such as the recall of a group without positives, is NaN. A constraint's
 * violation is 0 there: a group that is missing from a batch moves neither its multiplier nor the
 * model. The surrogate is finite, and 0 without a gradient where no example counts.
 */
public final class Rate {
  private final Bounds bounds;
  private final Supplier<Sums> sums;
  private final Supplier<Tensor> counts;
  private final ScalarType dtype;

  private Rate(Bounds bounds, Supplier<Sums> sums, Supplier<Tensor> counts, ScalarType dtype) {
    this.bounds = bounds;
    this.sums = sums;
    this.counts = counts;
    this.dtype = dtype;
  }

  static Rate of(Bounds bounds) {
    return new Rate(bounds, null, null, bounds.value().scalar_type().intern());
  }

  /** The share of so many examples, with the sums that it is the quotient of. */
  static Rate share(Bounds bounds, Supplier<Sums> sums, Supplier<Tensor> counts, ScalarType dtype) {
    return new Rate(bounds, sums, counts, dtype);
  }

  static Rate quotient(
      Bounds numerator, Bounds denominator, Supplier<Tensor> total, ScalarType dtype) {
    return new Rate(
        numerator.over(denominator).map(each -> each.to(dtype)),
        () -> sums(numerator, denominator, total.get()),
        null,
        dtype);
  }

  /** (Σw)² / Σw² of the denominator's examples; empty unless this is a share of known examples. */
  Optional<Tensor> counts() {
    return Optional.ofNullable(counts).map(Supplier::get);
  }

  private static Sums sums(Bounds numerator, Bounds denominator, Tensor total) {
    Tensor upper = stack(numerator.upper(), denominator.upper(), total);
    return new Sums(
        stack(numerator.value(), denominator.value(), total),
        upper,
        numerator.isSmooth() && denominator.isSmooth()
            ? upper
            : stack(numerator.lower(), denominator.lower(), total));
  }

  private static Tensor stack(Tensor... rows) {
    return torch.stack(new TensorVector(rows));
  }

  /**
   * A tensor as a rate: a target that is learned, say, or a quantity of your own.
   *
   * @param tensor differentiable, floating point, a scalar or {@code [K]}; its value is its own
   *     surrogate
   */
  public static Rate of(Tensor tensor) {
    return of(tensor, tensor.detach());
  }

  /**
   * A quantity of your own.
   *
   * @param surrogate differentiable, floating point, a scalar or {@code [K]}
   * @param value what it stands for, of the same shape
   * @throws IllegalArgumentException if shapes differ or one is not floating point
   */
  public static Rate of(Tensor surrogate, Tensor value) {
    Tensors.requireTensor(surrogate, "surrogate");
    Tensors.requireTensor(value, "value");
    Tensors.requireFloatingPoint(surrogate, "surrogate");
    Tensors.requireFloatingPoint(value, "value");
    Tensors.requireSameShape(surrogate, value, "value");
    return of(Bounds.smooth(value.detach(), () -> surrogate));
  }

  /** The value of 0-1 decisions, a scalar or {@code [K]}; NaN for a rate of nobody. No gradient. */
  public Tensor value() {
    return bounds.value();
  }

  /**
   * What to minimise for a low rate: differentiable, and for the hinge and the cross-entropy from
   * above the rate.
   */
  public Tensor surrogate() {
    return bounds.upper();
  }

  /** The sums that this is the quotient of; empty for what is made of several rates. */
  public Optional<Sums> sums() {
    return Optional.ofNullable(sums).map(Supplier::get);
  }

  /**
   * The rate of other sums, such as those of {@link RunningSums}, or of all processes:
   *
   * <pre>{@code
   * Rate recall = Rates.truePositiveRate(context).with(running);
   * }</pre>
   *
   * @throws IllegalStateException if this is no quotient of sums; apply it to the parts
   */
  public Rate with(UnaryOperator<Sums> change) {
    Sums changed = change.apply(requireSums());
    return quotient(row(changed, 0), row(changed, 1), () -> changed.value().select(0, 2), dtype);
  }

  /** Sums that a change made anew of one tensor are two, but as smooth. */
  private Bounds row(Sums sums, int row) {
    Tensor value = sums.value().select(0, row);
    return bounds.isSmooth() || sums.upper() == sums.lower()
        ? Bounds.smooth(value, () -> sums.upper().select(0, row))
        : Bounds.of(value, () -> sums.upper().select(0, row), () -> sums.lower().select(0, row));
  }

  private Sums requireSums() {
    return sums()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "this is made of several rates, or not of sums; take those of its parts"));
  }

  /** The numerator over the weights of all examples; see {@link Slack}. */
  public Rate numerator() {
    return proportion(0);
  }

  /** The denominator over the weights of all examples; see {@link Slack}. */
  public Rate denominator() {
    return proportion(1);
  }

  private Rate proportion(int row) {
    Sums own = requireSums();
    Tensor total = own.value().select(0, 2);
    return quotient(row(own, row), Bounds.constant(total), () -> total, dtype);
  }

  /**
   * The value of another rate, with this one's surrogate: of other data, so that the multipliers
   * see what the model was not trained on (Cotter et al., "Training Well-Generalizing Classifiers
   * for Fairness Metrics and Other Data-Dependent Constraints", ICML 2019).
   *
   * @throws IllegalArgumentException if it has another shape
   */
  public Rate withValueOf(Rate other) {
    Tensors.requireSameShape(value(), other.value(), "the other rate");
    return of(bounds.withValue(other.value()));
  }

  /** Adds; a scalar is added to each group's. */
  public Rate plus(Rate other) {
    requireFit(other);
    return of(bounds.plus(other.bounds));
  }

  /**
   * Adds a number.
   *
   * @throws IllegalArgumentException if it is not finite; so for all that takes a number
   */
  public Rate plus(double number) {
    requireFinite(number);
    Scalar summand = new Scalar(number);
    return of(bounds.map(each -> each.add(summand)));
  }

  /** Subtracts; a scalar is subtracted from each group's. */
  public Rate minus(Rate other) {
    requireFit(other);
    return of(bounds.plus(other.bounds.flip(Tensor::neg)));
  }

  /** Subtracts a number. */
  public Rate minus(double number) {
    return plus(-number);
  }

  /** Multiplies with a number; −1 exchanges what is minimised and maximised. */
  public Rate times(double factor) {
    requireFinite(factor);
    UnaryOperator<Tensor> product = each -> each.mul(new Scalar(factor));
    return of(factor < 0 ? bounds.flip(product) : bounds.map(product));
  }

  /**
   * Divides by a rate that is not negative, neither being so; a scalar divides each group's. NaN
   * where that is 0.
   */
  public Rate over(Rate other) {
    requireFit(other);
    return of(bounds.over(other.bounds));
  }

  private static void requireFinite(double number) {
    if (!Double.isFinite(number)) {
      throw new IllegalArgumentException("expected a finite number, found " + number);
    }
  }

  private void requireFit(Rate other) {
    Objects.requireNonNull(other, "rate");
    if (value().dim() > 0 && other.value().dim() > 0) {
      Tensors.requireSameShape(value(), other.value(), "the other rate");
    }
  }

  /** The difference of each group but one to that one: {@code [K − 1]}, in the order of groups. */
  public Rate differenceTo(int group) {
    return others(group).minus(one(group));
  }

  /** The ratio of each group but one to that one: {@code [K − 1]}, in the order of groups. */
  public Rate ratioTo(int group) {
    return others(group).over(one(group));
  }

  private Rate one(int group) {
    return of(bounds.map(each -> each.select(0, group)));
  }

  private Rate others(int group) {
    requireGroup(group);
    long count = value().size(0);
    if (count == 2) {
      return of(bounds.map(each -> each.narrow(0, 1 - group, 1)));
    }
    return of(
        bounds.map(
            each ->
                torch.cat(
                    new TensorVector(
                        each.narrow(0, 0, group), each.narrow(0, group + 1L, count - group - 1)))));
  }

  private int requireGroup(int group) {
    requireGroups();
    if (value().size(0) < 2) {
      throw new IllegalStateException("there is one group only; comparing needs two or more");
    }
    if (group < 0 || group >= value().size(0)) {
      throw new IllegalArgumentException(
          "group " + group + " is none of 0 to " + (value().size(0) - 1));
    }
    return group;
  }

  private void requireGroups() {
    if (value().dim() != 1) {
      throw new IllegalStateException(
          "this rate has shape "
              + Tensors.shape(value())
              + "; expected one of groups, [K]: split the context with groupBy or groups first");
    }
  }

  /** The highest of all groups, a scalar; groups of nobody are left out. */
  public Rate max() {
    return extreme(Double.NEGATIVE_INFINITY, each -> each.amax(new long[] {0}, false));
  }

  /** The lowest of all groups, a scalar; groups of nobody are left out. */
  public Rate min() {
    return extreme(Double.POSITIVE_INFINITY, each -> each.amin(new long[] {0}, false));
  }

  private Rate extreme(double neutral, UnaryOperator<Tensor> choice) {
    requireGroups();
    Tensor nobody = value().isnan();
    Tensor nothing = nobody.all();
    Bounds found =
        bounds.map(
            each ->
                choice
                    .apply(each.masked_fill(nobody, new Scalar(neutral)))
                    .masked_fill(nothing, Constants.ZERO));
    return of(found.withValue(found.value().masked_fill(nothing, Constants.NAN)));
  }

  /**
   * The highest minus the lowest of all groups, a scalar; its gradient is that of these two. Give a
   * vector of {@link #differenceTo} to the model, if every group is to have its own multiplier.
   */
  public Rate difference() {
    return max().minus(min());
  }

  /** The lowest over the highest of all groups, a scalar; its gradient is that of these two. */
  public Rate ratio() {
    return min().over(max());
  }

  /** The constraint that each is at most a number: violation rate − limit. */
  public ConstraintState atMost(double limit) {
    return minus(limit).state();
  }

  /** The constraint that each is at most another rate, or a {@link Slack}. */
  public ConstraintState atMost(Rate limit) {
    return minus(limit).state();
  }

  /** The constraint that each is at least a number: violation limit − rate. */
  public ConstraintState atLeast(double limit) {
    return below(limit).state();
  }

  /** The constraint that each is at least another rate, or a {@link Slack}. */
  public ConstraintState atLeast(Rate limit) {
    return limit.minus(this).state();
  }

  private Rate below(double limit) {
    requireFinite(limit);
    Scalar minuend = new Scalar(limit);
    return of(bounds.flip(each -> torch.rsub(each, minuend)));
  }

  /**
   * The constraint that no one is further than a number from 0, as {@link #within(double, double)}.
   */
  public ConstraintState within(double limit) {
    return within(-limit, limit);
  }

  /**
   * The constraint that each is in a range: 2K inequalities, K violations rate − hi, then K
   * violations lo − rate.
   *
   * @throws IllegalArgumentException if lo &gt; hi
   */
  public ConstraintState within(double lo, double hi) {
    if (!(lo <= hi)) {
      throw new IllegalArgumentException("lo is " + lo + " and hi is " + hi + "; lo must be <= hi");
    }
    return minus(hi).and(below(lo)).state();
  }

  /** All of these, then all of another, as one vector. */
  public Rate and(Rate other) {
    Bounds first = bounds.map(Rate::flat);
    Bounds second = other.bounds.map(Rate::flat);
    return of(
        Bounds.of(
            cat(first.value(), second.value()),
            () -> cat(first.upper(), second.upper()),
            () -> cat(first.lower(), second.lower())));
  }

  private static Tensor flat(Tensor tensor) {
    return tensor.reshape(-1);
  }

  private static Tensor cat(Tensor first, Tensor second) {
    return torch.cat(new TensorVector(first, second));
  }

  /** The constraint that each is at most 0. */
  private ConstraintState state() {
    Tensor nobody = value().isnan();
    return ConstraintState.builder(bounds.upper().masked_fill(nobody, Constants.ZERO))
        .strictViolation(value().masked_fill(nobody, Constants.ZERO))
        .build();
  }

  @Override
  public String toString() {
    return "Rate(" + Tensors.describe(value()) + ")";
  }
}
