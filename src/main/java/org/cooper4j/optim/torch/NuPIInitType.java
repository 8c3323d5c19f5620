package org.cooper4j.optim.torch;

/** How {@link NuPI} starts. Mirrors {@code cooper.optim.nuPIInitType}. */
public enum NuPIInitType {
  /** ξ₋₁ = 0: the first step is SGD's with the rate η (Kp + Ki). */
  ZEROS,
  /** The first step of each element is SGD's with the rate η Ki. */
  SGD
}
