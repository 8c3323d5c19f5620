package org.cooper4j;

import java.util.stream.Stream;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The devices that tests run on: the CPU, and CUDA where there is one. */
public final class Devices {
  private Devices() {}

  /** For {@code @MethodSource("org.cooper4j.Devices#available")}. */
  public static Stream<String> available() {
    if (torch.cuda_is_available()) {
      return Stream.of("cpu", "cuda");
    }
    System.err.println("no CUDA device: the CUDA half of this test is skipped");
    return Stream.of("cpu");
  }

  /** A float32 vector. */
  public static Tensor vector(String device, double... values) {
    return Tensor.create(values, values.length).to(new Device(device), ScalarType.Float);
  }

  /** The values of a tensor as doubles. */
  public static double[] values(Tensor tensor) {
    Tensor flat = tensor.detach().to(new Device("cpu"), ScalarType.Double).contiguous().flatten();
    double[] values = new double[(int) flat.numel()];
    flat.data_ptr_double().get(values);
    return values;
  }
}
