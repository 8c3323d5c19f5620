package org.cooper4j.rates;

import java.util.Locale;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * What stands for the indicator 1[s &gt; 0] of a positive prediction in training, since that has no
 * gradient.
 *
 * <p>The hinge and the cross-entropy bound it from above where a rate is minimised or bounded from
 * above, and from below, as 1 minus the bound of the other decision, where it is maximised or
 * bounded from below; so they are convex in the scores, but may be far from the rate. The sigmoid
 * and the soft 0-1 decision stay within [0, 1], near the rate, and are not convex.
 */
public abstract sealed class Surrogate {
  private Surrogate() {}

  /**
   * max(0, margin + s); for classes, max(0, margin + max of the positive classes' scores − mean of
   * the others'). Mirrors {@code HingeLoss} of TensorFlow Constrained Optimization.
   *
   * @throws IllegalArgumentException if the margin is negative or not finite
   */
  public static Surrogate hinge(double margin) {
    if (!(margin >= 0) || Double.isInfinite(margin)) {
      throw new IllegalArgumentException(
          "the hinge's margin is " + margin + "; it must be finite and >= 0, such as 1");
    }
    return new Hinge(margin);
  }

  /** {@link #hinge(double)} with a margin of 1. */
  public static Surrogate hinge() {
    return hinge(1);
  }

  /**
   * 1 / (1 + exp(−s)), the probability of a positive prediction; for classes, the softmax. Mirrors
   * {@code SoftmaxLoss} of TensorFlow Constrained Optimization.
   */
  public static Surrogate sigmoid() {
    return softZeroOne(1);
  }

  /**
   * log(1 + exp(s)); for classes, 1 − Σ (1 + log softmax) over those that are not positive, which
   * is −log softmax of the label's for an error. Mirrors {@code SoftmaxCrossEntropyLoss} of
   * TensorFlow Constrained Optimization; as there, it is log 2 at s = 0, not 1.
   */
  public static Surrogate crossEntropy() {
    return new CrossEntropy();
  }

  /**
   * 1 / (1 + exp(−s / temperature)), which goes to the 0-1 decision with the temperature to 0,
   * while its gradient vanishes but near s = 0; for classes, the softmax of scores / temperature.
   *
   * @throws IllegalArgumentException if the temperature is not above 0, or not finite
   */
  public static Surrogate softZeroOne(double temperature) {
    if (!(temperature > 0) || Double.isInfinite(temperature)) {
      throw new IllegalArgumentException(
          "the temperature is " + temperature + "; it must be finite and > 0, such as 0.1");
    }
    return new SoftZeroOne(temperature);
  }

  /** Of scores of any shape. */
  abstract Tensor above(Tensor scores);

  /**
   * Of classes.
   *
   * @param scores {@code [n, C]}
   * @param members boolean {@code [1 or n, C]}: the positive classes, some but not all
   */
  abstract Tensor above(Tensor scores, Tensor members);

  /** How soft the decision is where only a soft one has a meaning. */
  double temperature() {
    return 1;
  }

  /** Bounds without a value: of scores of any shape, which are asked for when a bound is. */
  Bounds decide(Supplier<Tensor> scores) {
    return this instanceof SoftZeroOne
        ? Bounds.smooth(null, () -> above(scores.get()))
        : Bounds.of(null, () -> above(scores.get()), () -> complement(above(scores.get().neg())));
  }

  Bounds decide(Tensor scores, Tensor members) {
    return this instanceof SoftZeroOne
        ? Bounds.smooth(null, () -> above(scores, members))
        : Bounds.of(
            null,
            () -> above(scores, members),
            () -> complement(above(scores, members.logical_not())));
  }

  static Tensor complement(Tensor tensor) {
    return tensor.neg().add(Constants.ONE);
  }

  private static final class Hinge extends Surrogate {
    private final double margin;

    Hinge(double margin) {
      this.margin = margin;
    }

    @Override
    Tensor above(Tensor scores) {
      return scores.add(new Scalar(margin)).relu();
    }

    @Override
    Tensor above(Tensor scores, Tensor members) {
      Tensor others = members.logical_not().to(scores.scalar_type());
      Tensor best =
          scores
              .masked_fill(members.logical_not(), new Scalar(Double.NEGATIVE_INFINITY))
              .amax(new long[] {1}, false);
      return above(best.sub(scores.mul(others).sum(1).div(others.sum(1))));
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "hinge(%s)", margin);
    }
  }

  private static final class CrossEntropy extends Surrogate {
    @Override
    Tensor above(Tensor scores) {
      return torch.softplus(scores);
    }

    @Override
    Tensor above(Tensor scores, Tensor members) {
      Tensor others = members.logical_not().to(scores.scalar_type());
      return complement(scores.log_softmax(1).add(Constants.ONE).mul(others).sum(1));
    }

    @Override
    public String toString() {
      return "crossEntropy";
    }
  }

  private static final class SoftZeroOne extends Surrogate {
    private final double temperature;

    SoftZeroOne(double temperature) {
      this.temperature = temperature;
    }

    @Override
    double temperature() {
      return temperature;
    }

    private Tensor scaled(Tensor scores) {
      return temperature == 1 ? scores : scores.div(new Scalar(temperature));
    }

    @Override
    Tensor above(Tensor scores) {
      return scaled(scores).sigmoid();
    }

    @Override
    Tensor above(Tensor scores, Tensor members) {
      return scaled(scores).softmax(1).mul(members.to(scores.scalar_type())).sum(1);
    }

    @Override
    public String toString() {
      return temperature == 1
          ? "sigmoid"
          : String.format(Locale.ROOT, "softZeroOne(%s)", temperature);
    }
  }
}
