package org.cooper4j;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Optional;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Where a test's tensors lie: on the CPU, or where {@link EveryDevice} says. */
public final class Devices {
  private static volatile String current = "cpu";

  private Devices() {}

  static void use(String device) {
    current = device;
  }

  /** Skips the test if it is to run on a device that is not there. */
  static void require() {
    if (isCuda()) {
      Optional<String> missing = Cuda.whyUnavailable();
      assumeTrue(missing.isEmpty(), () -> "no CUDA: " + missing.orElse(""));
    }
  }

  /** Whether this run is the one on CUDA. */
  public static boolean isCuda() {
    return current.equals("cuda");
  }

  /** The device of this run. */
  public static Device device() {
    require();
    return new Device(current);
  }

  /** A tensor moved to the device of this run. */
  public static Tensor here(Tensor tensor) {
    return tensor.to(device(), tensor.scalar_type());
  }

  /** A float32 vector. */
  public static Tensor vector(double... values) {
    return Tensor.create(values, values.length).to(device(), ScalarType.Float);
  }

  /** An int64 vector. */
  public static Tensor indices(long... values) {
    return here(Tensor.create(values, values.length));
  }

  /** The values of a tensor as doubles. */
  public static double[] values(Tensor tensor) {
    Tensor flat = tensor.detach().to(new Device("cpu"), ScalarType.Double).contiguous().flatten();
    double[] values = new double[(int) flat.numel()];
    flat.data_ptr_double().get(values);
    return values;
  }
}
