package org.cooper4j.optim.torch;

import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.ByVal;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.internal.Native;

/**
 * Adam with an extrapolation step. Mirrors {@code cooper.optim.ExtraAdam}; there is no {@code
 * maximize}, since the gradients of dual parameters are negated.
 */
@Properties(inherit = Native.class)
@Namespace("cooper4j")
public final class ExtraAdam extends ExtragradientOptimizer {
  static {
    Native.load();
  }

  /**
   * An optimizer of one parameter group.
   *
   * @throws IllegalArgumentException if an option is out of range; it says which
   */
  public ExtraAdam(TensorVector params, ExtraAdamOptions options) {
    allocate(params, options);
  }

  private native void allocate(@ByVal TensorVector params, @Const @ByRef ExtraAdamOptions options);

  /** Adds a parameter group with options of its own. */
  public void addParamGroup(TensorVector params, ExtraAdamOptions options) {
    Native.addParamGroup(this, params, options);
  }
}
