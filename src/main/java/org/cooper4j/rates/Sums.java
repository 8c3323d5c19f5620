package org.cooper4j.rates;

import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/**
 * What a {@link Rate} is the quotient of, kept apart so that the sums of several batches or
 * processes can be added up first. Each tensor is float64 {@code [3, K]}, or {@code [3]} without
 * groups: numerators, denominators, and the weights of all examples.
 *
 * @param value of 0-1 decisions; no gradient
 * @param upper of the surrogate that is minimised in their place, differentiable
 * @param lower of the one that is maximised; the same tensor for the sigmoid and soft decisions
 */
public record Sums(Tensor value, Tensor upper, Tensor lower) {
  /**
   * Changes all of them alike, such as by adding up those of all processes:
   *
   * <pre>{@code
   * Rate recall = Rates.truePositiveRate(context).with(sums -> sums.map(group::sum));
   * }</pre>
   */
  public Sums map(UnaryOperator<Tensor> change) {
    Tensor newUpper = change.apply(upper);
    return new Sums(change.apply(value), newUpper, lower == upper ? newUpper : change.apply(lower));
  }

  /** Adds those of other examples, of the same rate. */
  public Sums plus(Sums other) {
    Tensor newUpper = upper.add(other.upper);
    boolean smooth = lower == upper && other.lower == other.upper;
    return new Sums(value.add(other.value), newUpper, smooth ? newUpper : lower.add(other.lower));
  }
}
