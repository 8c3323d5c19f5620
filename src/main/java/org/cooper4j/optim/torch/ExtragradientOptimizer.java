package org.cooper4j.optim.torch;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByVal;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Native;

/**
 * An optimizer with an extrapolation step:
 *
 * <pre>θ₊½ = θ − u(∇L(θ)) by extrapolation(),  θ₊ = θ − u(∇L(θ₊½)) by step()</pre>
 *
 * <p>Mirrors {@code cooper.optim.ExtragradientOptimizer}.
 */
@Properties(inherit = Native.class)
@Namespace("cooper4j")
public abstract class ExtragradientOptimizer extends Optimizer {
  static {
    Native.load();
  }

  ExtragradientOptimizer() {
    super((Pointer) null);
  }

  /** Moves the parameters by one update; the first call since step() remembers where they were. */
  public native void extrapolation();

  /**
   * Goes back to where {@link #extrapolation()} started, if it was called since step(). What the
   * optimizer remembers of its gradients, such as momenta, has seen that extrapolation's.
   */
  public native void retract();

  /**
   * Updates the parameters from their gradients.
   *
   * @return undefined; there is no closure to evaluate
   * @throws IllegalArgumentException if a gradient is sparse and it cannot take that; nothing was
   *     changed
   */
  @Override
  public native @ByVal Tensor step();
}
