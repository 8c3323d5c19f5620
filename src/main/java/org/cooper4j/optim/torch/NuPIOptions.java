package org.cooper4j.optim.torch;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.OptimizerOptions;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Native;
import org.cooper4j.internal.Tensors;

/** Options of {@link NuPI}; a wrong one is refused when it is set, or the optimizer is made. */
@Properties(inherit = Native.class)
@Namespace("cooper4j")
public final class NuPIOptions extends OptimizerOptions {
  static {
    Native.load();
  }

  /**
   * Cooper's defaults with a learning rate.
   *
   * @param lr the learning rate, at least 0
   */
  public NuPIOptions(double lr) {
    super((Pointer) null);
    allocate(lr);
  }

  private native void allocate(double lr);

  /**
   * The proportional gain of all parameters; 0 unless set. Rounded to float32, as Cooper's.
   *
   * @throws IllegalArgumentException if it is NaN or infinite, as float32
   */
  public NuPIOptions kp(double gain) {
    return setKp(requireFinite(gain, "Kp"));
  }

  @Name("Kp")
  private native @ByRef NuPIOptions setKp(double gain);

  /**
   * The proportional gain, one element or the shape of every parameter.
   *
   * @throws IllegalArgumentException if an element is NaN or infinite
   */
  public NuPIOptions kp(Tensor gain) {
    return setKp(requireFinite(gain, "Kp"));
  }

  @Name("Kp")
  private native @ByRef NuPIOptions setKp(@Const @ByRef Tensor gain);

  /**
   * The integral gain of all parameters; 1 unless set. Rounded to float32, as Cooper's.
   *
   * @throws IllegalArgumentException if it is NaN or infinite, as float32
   */
  public NuPIOptions ki(double gain) {
    return setKi(requireFinite(gain, "Ki"));
  }

  @Name("Ki")
  private native @ByRef NuPIOptions setKi(double gain);

  /**
   * The integral gain, one element or the shape of every parameter.
   *
   * @throws IllegalArgumentException if an element is NaN or infinite
   */
  public NuPIOptions ki(Tensor gain) {
    return setKi(requireFinite(gain, "Ki"));
  }

  @Name("Ki")
  private native @ByRef NuPIOptions setKi(@Const @ByRef Tensor gain);

  /** ν, the decay of the error average, in (−1, 1); 0 unless set. */
  public native @ByRef @Name("ema_nu") NuPIOptions emaNu(double nu);

  /**
   * The derivative gain, finite and at least 0; 0 unless set. It makes of the controller a PID one,
   * which brakes while the violation grows (Stooke et al., ICML 2020, Algorithm 2; OmniSafe's): a
   * step also adds η Kd (∂_t − ∂_{t−1}) to the multipliers, ∂_t = max(0, ξ_{t−1} − ξ_t) in terms of
   * the negated violation. Cooper has none; its state dicts have the key {@code Kd} if it is not 0.
   */
  public native @ByRef @Name("Kd") NuPIOptions kd(double gain);

  /**
   * Whether ξ is divided by the weight 1 − νⁿ that its n errors have, as Adam corrects its moments;
   * false unless set, as in Cooper. With ν = 0.9 the first ξ is else a tenth of its error, so that
   * Kp acts late. With it {@link NuPIInitType#SGD} keeps the first error, too. ν is at least 0
   * then.
   */
  public native @ByRef @Name("use_bias_correction") NuPIOptions useBiasCorrection(
      @Cast("bool") boolean useBiasCorrection);

  /** Lets gains that are numbers keep all their digits, those set before and after. */
  public native @ByRef @Name("double_gains") NuPIOptions doubleGains();

  /** The weight decay, decoupled as in AdamW; 0 unless set. */
  public native @ByRef @Name("weight_decay") NuPIOptions weightDecay(double weightDecay);

  /** What the first step is like; {@link NuPIInitType#SGD} unless set. */
  @SuppressWarnings("EnumOrdinal") // the native layer knows them by number
  public NuPIOptions initType(NuPIInitType initType) {
    setInitType(initType.ordinal());
    return this;
  }

  @Name("init_type")
  private native @ByRef NuPIOptions setInitType(@Cast("cooper4j::NuPIInitType") long initType);

  private static double requireFinite(double gain, String name) {
    if (!Float.isFinite((float) gain)) {
      throw new IllegalArgumentException(
          "NuPI: " + name + " must be finite, also as float32; found " + gain);
    }
    return gain;
  }

  private static Tensor requireFinite(Tensor gain, String name) {
    Tensors.requireTensor(gain, "NuPI: " + name);
    if (Tensors.isDense(gain)) { // the native layer refuses another
      Tensors.requireValues(gain, false, "NuPI: " + name);
    }
    return gain;
  }
}
