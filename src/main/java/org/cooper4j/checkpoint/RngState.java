package org.cooper4j.checkpoint;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.internal.Native;
import org.cooper4j.internal.Tensors;

/**
 * The state of a device's default random number generator, in Python's layout: a run that goes on
 * with it draws the same numbers. Mirrors {@code torch.get_rng_state} and {@code
 * torch.cuda.get_rng_state}.
 */
public final class RngState {
  static {
    Native.load();
  }

  private RngState() {}

  /** The CPU's state, uint8 [n], copied. */
  public static Tensor get() {
    return get(new Device("cpu"));
  }

  /** A device's state, uint8 [n], copied; it lies on the CPU. */
  public static Tensor get(Device device) {
    return torch.globalContext().defaultGenerator(device).get_state();
  }

  /** Sets the CPU's state to what {@link #get()} or Python's {@code torch.get_rng_state()} gave. */
  public static void set(Tensor state) {
    set(new Device("cpu"), state);
  }

  /**
   * Sets a device's state.
   *
   * @throws IllegalArgumentException if it is no state of such a device's generator
   */
  public static void set(Device device, Tensor state) {
    try (PointerScope temporaries = new PointerScope()) {
      if (state.scalar_type().intern() != torch.ScalarType.Byte || state.dim() != 1) {
        throw new IllegalArgumentException(
            "a generator's state is uint8 [n]; found "
                + Tensors.dtype(state)
                + " "
                + Tensors.shape(state));
      }
      try {
        torch.globalContext().defaultGenerator(device).set_state(Tensors.generatorState(state));
      } catch (RuntimeException e) {
        throw new IllegalArgumentException(
            "a state of "
                + state.numel()
                + " bytes is none of "
                + device.str().getString()
                + "'s generator: "
                + e.getMessage().lines().findFirst().orElse(""),
            e);
      }
    }
  }
}
