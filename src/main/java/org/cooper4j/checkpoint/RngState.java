package org.cooper4j.checkpoint;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.internal.Native;
import org.cooper4j.internal.Tensors;

/**
 * The state of a random number generator, a device's default one or another, in Python's layout: a
 * run that goes on with it draws the same numbers. Mirrors {@code torch.get_rng_state}, {@code
 * torch.cuda.get_rng_state} and {@code torch.Generator.get_state}.
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
    return get(torch.globalContext().defaultGenerator(device));
  }

  /** A generator's state, uint8 [n], copied; it lies on the CPU. */
  public static Tensor get(Generator generator) {
    return generator.get_state();
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
    set(torch.globalContext().defaultGenerator(device), state);
  }

  /**
   * Sets a generator's state.
   *
   * @throws IllegalArgumentException if it is no state of such a generator
   */
  public static void set(Generator generator, Tensor state) {
    Tensors.requireTensor(state, "a generator's state");
    try (PointerScope temporaries = new PointerScope()) {
      if (state.scalar_type().intern() != torch.ScalarType.Byte || state.dim() != 1) {
        throw new IllegalArgumentException(
            "a generator's state is uint8 [n]; found "
                + Tensors.dtype(state)
                + " "
                + Tensors.shape(state));
      }
      try {
        generator.set_state(Tensors.generatorState(state));
      } catch (RuntimeException e) {
        throw new IllegalArgumentException(
            "a state of "
                + state.numel()
                + " bytes is none of "
                + generator.device().str().getString()
                + "'s generator: "
                + String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
            e);
      }
    }
  }
}
