package org.cooper4j.optim.torch;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.OptimizerOptions;
import org.cooper4j.internal.Native;

/** Options of {@link Adamax}; a wrong one is refused when the optimizer is made. */
@Properties(inherit = Native.class)
@Namespace("cooper4j")
public final class AdamaxOptions extends OptimizerOptions {
  static {
    Native.load();
  }

  /**
   * PyTorch's defaults with a learning rate.
   *
   * @param lr the learning rate, at least 0; PyTorch's own is 2e-3
   */
  public AdamaxOptions(double lr) {
    super((Pointer) null);
    allocate(lr);
  }

  private native void allocate(double lr);

  /** The decay rates, in [0, 1); 0.9 and 0.999 unless set. */
  public AdamaxOptions betas(double beta1, double beta2) {
    setBetas(this, beta1, beta2);
    return this;
  }

  @Namespace
  @Name("cooper4j::jni::set_betas")
  private static native void setBetas(@ByRef AdamaxOptions options, double beta1, double beta2);

  /** Added to the denominator; 1e-8 unless set. */
  public native @ByRef AdamaxOptions eps(double eps);

  /** The L2 penalty; 0 unless set. */
  public native @ByRef @Name("weight_decay") AdamaxOptions weightDecay(double weightDecay);
}
