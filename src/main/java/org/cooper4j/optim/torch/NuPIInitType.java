package org.cooper4j.optim.torch;

/** How {@link NuPI} starts. Mirrors {@code cooper.optim.nuPIInitType}. */
public enum NuPIInitType {
  /** ξ₋₁ = 0: the first step is SGD's with the rate η (Kp + Ki). */
  ZEROS,
  /** The first step of each element is SGD's with the rate η Ki. */
  SGD,
  /**
   * As {@link #SGD}, and ξ₀ = e₀, so that the second step follows the formula. {@code SGD} leaves
   * ξ₀ = 0 with dense gradients, as Cooper's code does: of a constant violation of 1, Kp 10 and Ki
   * 1 it makes the multipliers 1, 12, 13, 14, where this makes 1, 2, 3, 4. Python goes on from its
   * state as {@code SGD}, which is the same after the first step.
   */
  ERROR
}
