package org.cooper4j;

import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Context;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.internal.Native;

/** Says whether CUDA can be used here and, if not, what is missing; see docs/cuda.md. */
public final class Cuda {
  private static final String CLASSIFIER = Loader.getPlatform() + "-gpu";

  static {
    Native.load();
  }

  private Cuda() {}

  /** What keeps CUDA from being used, in one line; empty when there is a CUDA device. */
  public static Optional<String> whyUnavailable() {
    if (torch.cuda_is_available()) {
      return Optional.empty();
    }
    if (Context.hasCUDART()) {
      return Optional.of(whatLibTorchSays());
    }
    if (CLASSIFIER.startsWith("macosx-")) {
      return Optional.of("there is no CUDA for macOS");
    }
    String library = System.mapLibraryName("torch_cuda");
    boolean hasJar =
        torch.class.getResource("/org/bytedeco/pytorch/" + CLASSIFIER + "/" + library) != null;
    return Optional.of(
        hasJar
            ? "org.bytedeco:pytorch:"
                + CLASSIFIER
                + " is on the class path, but not the libraries of CUDA that it needs; give their"
                + " folders by -Dorg.bytedeco.javacpp.platform.preloadpath"
            : "LibTorch's CPU build is on the class path; add org.bytedeco:pytorch with the"
                + " classifier "
                + CLASSIFIER);
  }

  /** LibTorch tells a missing driver from an old one and from a machine without a GPU. */
  private static String whatLibTorchSays() {
    try (PointerScope temporaries = new PointerScope()) {
      torch.zeros(
          new long[] {0}, new TensorOptions().device(new DeviceOptional(new Device("cuda"))));
      return "LibTorch's CUDA build counts no device";
    } catch (RuntimeException e) {
      return e.getMessage().lines().findFirst().orElse("");
    }
  }

  /**
   * Checks that a device can be used, before LibTorch does so in many words. Devices other than
   * CUDA's pass.
   *
   * @throws IllegalArgumentException if it is a CUDA device that is not there
   */
  public static void check(Device device) {
    if (!device.is_cuda()) {
      return;
    }
    String name = device.str().getString();
    whyUnavailable()
        .ifPresent(
            reason -> {
              throw new IllegalArgumentException("device '" + name + "' is not there: " + reason);
            });
    int count = torch.cuda_device_count();
    if (device.index() >= count) {
      throw new IllegalArgumentException(
          "device '" + name + "' is not there: the last one is cuda:" + (count - 1));
    }
  }
}
