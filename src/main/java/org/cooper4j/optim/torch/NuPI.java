package org.cooper4j.optim.torch;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.ByVal;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.internal.Native;

/**
 * The νPI controller (Sohrabi et al., ICML 2024, "On PI controllers for updating Lagrange
 * multipliers in constrained optimization"), for dense and sparse gradients:
 *
 * <pre>ξ_t = ν ξ_{t−1} + (1 − ν) e_t,  θ_{t+1} = θ_t − η (Ki e_t + Kp (ξ_t − ξ_{t−1}))</pre>
 *
 * <p>Mirrors {@code cooper.optim.nuPI}; there is no {@code maximize}, since the gradients of dual
 * parameters are negated.
 */
@Properties(inherit = Native.class)
@Namespace("cooper4j")
public final class NuPI extends Optimizer {
  static {
    Native.load();
  }

  /**
   * An optimizer of one parameter group.
   *
   * @throws IllegalArgumentException if an option is out of range; it says which
   */
  public NuPI(TensorVector params, NuPIOptions options) {
    super((Pointer) null);
    allocate(params, options);
  }

  private native void allocate(@ByVal TensorVector params, @Const @ByRef NuPIOptions options);

  /** Adds a parameter group with options of its own. */
  public void addParamGroup(TensorVector params, NuPIOptions options) {
    Native.addParamGroup(this, params, options);
  }

  /**
   * Updates the parameters from their gradients.
   *
   * @return undefined; there is no closure to evaluate
   * @throws IllegalArgumentException if a sparse gradient is none of rows; nothing was changed
   */
  @Override
  public native @ByVal Tensor step();
}
