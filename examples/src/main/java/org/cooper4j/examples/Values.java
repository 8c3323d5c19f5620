package org.cooper4j.examples;

import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Reads tensors. */
final class Values {
  private Values() {}

  /** All elements in row-major order. */
  static double[] of(Tensor tensor) {
    try (PointerScope temporaries = new PointerScope();
        Device cpu = new Device("cpu")) {
      Tensor onCpu = tensor.detach().to(cpu, ScalarType.Double).contiguous();
      double[] values = new double[(int) onCpu.numel()];
      onCpu.data_ptr_double().get(values);
      return values;
    }
  }

  /** Steps, to be drawn. */
  static double[] of(long[] steps) {
    return Arrays.stream(steps).asDoubleStream().toArray();
  }
}
