package org.cooper4j.rates;

import java.util.Arrays;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.internal.Tensors;

/**
 * A variable that the primal optimizer moves, in place of what mini-batches cannot estimate without
 * bias (Narasimhan, Cotter and Gupta, "Optimizing Generalized Rate Metrics with Three Players",
 * NeurIPS 2019).
 *
 * <p>The worst group: max min_k r_k is max s subject to r_k ≥ s for each k.
 *
 * <pre>{@code
 * Slack worst = new Slack(0, 0, 1, 0.5);         // a scalar in [0, 1]
 * CMPState.of(worst.rate().times(-1).surrogate()).observe(each, recalls.atLeast(worst.rate()));
 * }</pre>
 *
 * <p>A ratio n / d as objective or in a constraint, where a mean over batches would be biased: n /
 * d ≤ n / s if s ≤ d, which are linear in sums.
 *
 * <pre>{@code
 * Slack below = new Slack(0, 1e-3, 1, 1);
 * CMPState.of(ratio.numerator().over(below.rate()).surrogate())
 *     .observe(bound, ratio.denominator().atLeast(below.rate()));
 * }</pre>
 *
 * <p>To maximise n / d, or to bound it from below, swap: s ≥ d, {@code denominator().atMost}. For a
 * constant level no slack is needed: n / d ≥ p is {@code n.minus(d.times(p)).atLeast(0)}, without
 * bias.
 */
public final class Slack {
  private final Tensor parameter;
  private final double lowest;
  private final double highest;

  /**
   * A float32 slack on the CPU.
   *
   * @param size the number of elements, such as one a group; 0 for a scalar
   * @param lowest the least value, above 0 where it divides
   * @param highest the largest value
   * @param start the value to start with
   * @throws IllegalArgumentException unless size ≥ 0 and lowest ≤ start ≤ highest, all finite
   */
  public Slack(int size, double lowest, double highest, double start) {
    this(size, lowest, highest, start, new Device("cpu"), ScalarType.Float);
  }

  /** A slack on any device, of any floating point dtype; see the other constructor. */
  public Slack(
      int size, double lowest, double highest, double start, Device device, ScalarType dtype) {
    if (size < 0) {
      throw new IllegalArgumentException("a slack of " + size + " elements; expected 0 or more");
    }
    if (!(Double.isFinite(lowest)
        && Double.isFinite(highest)
        && lowest <= start
        && start <= highest)) {
      throw new IllegalArgumentException(
          "a slack from "
              + lowest
              + " to "
              + highest
              + " that starts at "
              + start
              + "; expected finite numbers, the start within");
    }
    this.lowest = lowest;
    this.highest = highest;
    try (PointerScope temporaries = new PointerScope()) {
      Tensor values = Tensors.zeros(size == 0 ? new long[0] : new long[] {size}, device, dtype);
      parameter = Tensors.keep(values.fill_(new Scalar(start)).requires_grad_(true));
    }
  }

  /** What the primal optimizer is given, beside the model's parameters. */
  public Tensor parameter() {
    return parameter;
  }

  /** The slack as a rate; what a step moved out of the range is put back first. */
  public Rate rate() {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      // A view without a version of its own: graphs that hold the parameter stay valid.
      parameter.variable_data().clamp_min_(new Scalar(lowest)).clamp_max_(new Scalar(highest));
    }
    return Rate.of(parameter);
  }

  /** {@code {"slack": values}}. */
  public Map<String, Object> stateDict() {
    return Map.of("slack", parameter.detach().clone());
  }

  /**
   * Loads what {@link #stateDict()} gave.
   *
   * @throws IllegalArgumentException if it is something else; nothing changes then
   */
  public void loadStateDict(Map<String, ?> state) {
    if (!(state.get("slack") instanceof Tensor values)) {
      throw new IllegalArgumentException("slack: missing from the slack's state dict");
    }
    Tensors.requireSameShape(parameter, values, "slack");
    Tensors.requireValues(values, false, "slack");
    Tensors.copyInto(parameter, values);
  }

  @Override
  public String toString() {
    return "Slack(" + Arrays.toString(parameter.shape()) + " in [" + lowest + ", " + highest + "])";
  }
}
