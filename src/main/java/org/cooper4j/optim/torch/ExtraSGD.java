package org.cooper4j.optim.torch;

import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.ByVal;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.internal.Native;

/**
 * SGD with momentum and an extrapolation step. Mirrors {@code cooper.optim.ExtraSGD}; there is no
 * {@code maximize}, since the gradients of dual parameters are negated.
 */
@Properties(inherit = Native.class)
@Namespace("cooper4j")
public final class ExtraSGD extends ExtragradientOptimizer {
  static {
    Native.load();
  }

  /**
   * An optimizer of one parameter group.
   *
   * @throws IllegalArgumentException if an option is out of range; it says which
   */
  public ExtraSGD(TensorVector params, ExtraSGDOptions options) {
    allocate(params, options);
  }

  private native void allocate(@ByVal TensorVector params, @Const @ByRef ExtraSGDOptions options);

  /** Adds a parameter group with options of its own. */
  public void addParamGroup(TensorVector params, ExtraSGDOptions options) {
    Native.addParamGroup(this, params, options);
  }
}
