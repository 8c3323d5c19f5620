package org.cooper4j.rates;

import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/**
 * A quantity of 0-1 decisions with what stands in for it in training: one differentiable tensor
 * that is minimised in its place, one that is maximised. Both are made when they are first asked
 * for, and are the same tensor unless the surrogate is a bound on one side, as the hinge is.
 */
final class Bounds {
  private final Tensor value;
  private final Supplier<Tensor> makeUpper;
  private final Supplier<Tensor> makeLower;
  private Tensor upper;
  private Tensor lower;

  /** Without {@code lower}, both bounds are the upper one; without either, the value. */
  private Bounds(Tensor value, Supplier<Tensor> upper, Supplier<Tensor> lower) {
    this.value = value;
    this.makeUpper = upper;
    this.makeLower = lower;
  }

  /** What no prediction changes. */
  static Bounds constant(Tensor value) {
    return new Bounds(value, null, null);
  }

  static Bounds smooth(Tensor value, Supplier<Tensor> surrogate) {
    return new Bounds(value, surrogate, null);
  }

  static Bounds of(Tensor value, Supplier<Tensor> upper, Supplier<Tensor> lower) {
    return new Bounds(value, upper, lower);
  }

  Tensor value() {
    return value;
  }

  Tensor upper() {
    if (isConstant()) {
      return value;
    }
    if (upper == null || upper.isNull()) { // a PointerScope may have released it
      upper = makeUpper.get();
    }
    return upper;
  }

  Tensor lower() {
    if (makeLower == null) {
      return upper();
    }
    if (lower == null || lower.isNull()) {
      lower = makeLower.get();
    }
    return lower;
  }

  /** Another function of the bounds alone. */
  Bounds mapBounds(UnaryOperator<Tensor> increasing) {
    return new Bounds(
        value,
        () -> increasing.apply(upper()),
        isSmooth() ? null : () -> increasing.apply(lower()));
  }

  /** This with another value. */
  Bounds withValue(Tensor other) {
    return new Bounds(other, this::upper, isSmooth() ? null : this::lower);
  }

  /** Whether both bounds are one tensor. */
  boolean isSmooth() {
    return makeLower == null;
  }

  private boolean isConstant() {
    return makeUpper == null;
  }

  /** A function that never decreases, of all three. */
  Bounds map(UnaryOperator<Tensor> increasing) {
    return new Bounds(
        increasing.apply(value),
        isConstant() ? null : () -> increasing.apply(upper()),
        isSmooth() ? null : () -> increasing.apply(lower()));
  }

  /** A function that never increases, so that the bounds change places. */
  Bounds flip(UnaryOperator<Tensor> decreasing) {
    return new Bounds(
        decreasing.apply(value),
        isConstant() ? null : () -> decreasing.apply(lower()),
        isSmooth() ? null : () -> decreasing.apply(upper()));
  }

  Bounds plus(Bounds other) {
    return new Bounds(
        value.add(other.value),
        isConstant() && other.isConstant() ? null : () -> upper().add(other.upper()),
        isSmooth() && other.isSmooth() ? null : () -> lower().add(other.lower()));
  }

  /**
   * A quotient of what is not negative; its value is NaN where the denominator is 0, and its bounds
   * are finite there. Bounds of one side alone would have no meaning under the bar: there, the
   * quotient is replaced by its tangent at the value.
   */
  Bounds over(Bounds denominator) {
    return denominator.isConstant() ? overExamples(denominator.value) : overOthers(denominator);
  }

  /** The numerator counts some of these examples, so that it is 0 where there is none of them. */
  private Bounds overExamples(Tensor weights) {
    Tensor safe = weights.clamp_min(Constants.TINY);
    return new Bounds(
        value.div(weights),
        isConstant() ? null : () -> upper().div(safe),
        isSmooth() ? null : () -> lower().div(safe));
  }

  private Bounds overOthers(Bounds denominator) {
    Tensor nobody = denominator.value.eq(Constants.ZERO).logical_or(denominator.value.isnan());
    Tensor quotient = value.div(denominator.value.masked_fill(nobody, Constants.NAN));
    if (isSmooth() && denominator.isSmooth()) {
      return smooth(quotient, () -> upper().div(safe(denominator.upper())));
    }
    Tensor safe = denominator.value.masked_fill(nobody, Constants.ONE);
    Tensor at = value.masked_fill(value.isnan(), Constants.ZERO);
    return of(
        quotient,
        () -> tangent(at, safe, upper(), denominator.lower()),
        () -> tangent(at, safe, lower(), denominator.upper()));
  }

  /** Of above / below at the values, which are finite, so that no gradient is NaN. */
  private static Tensor tangent(Tensor numerator, Tensor denominator, Tensor above, Tensor below) {
    Tensor quotient = numerator.div(denominator);
    Tensor change = above.sub(numerator).sub(quotient.mul(below.sub(denominator)));
    return quotient.add(change.div(denominator));
  }

  private static Tensor safe(Tensor denominator) {
    return denominator.masked_fill(denominator.detach().eq(Constants.ZERO), Constants.ONE);
  }
}
