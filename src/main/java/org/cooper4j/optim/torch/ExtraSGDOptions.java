package org.cooper4j.optim.torch;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.OptimizerOptions;
import org.cooper4j.internal.Native;

/** Options of {@link ExtraSGD}; a wrong one is refused when the optimizer is made. */
@Properties(inherit = Native.class)
@Namespace("cooper4j")
public final class ExtraSGDOptions extends OptimizerOptions {
  static {
    Native.load();
  }

  /**
   * Cooper's defaults with a learning rate.
   *
   * @param lr the learning rate, at least 0
   */
  public ExtraSGDOptions(double lr) {
    super((Pointer) null);
    allocate(lr);
  }

  private native void allocate(double lr);

  /** The momentum factor; 0 unless set. */
  public native @ByRef ExtraSGDOptions momentum(double momentum);

  /** How much of a gradient the momentum leaves out; 0 unless set. */
  public native @ByRef ExtraSGDOptions dampening(double dampening);

  /** The L2 penalty; 0 unless set. */
  public native @ByRef @Name("weight_decay") ExtraSGDOptions weightDecay(double weightDecay);

  /** Whether to use Nesterov momentum; false unless set. */
  public native @ByRef ExtraSGDOptions nesterov(@Cast("bool") boolean nesterov);
}
