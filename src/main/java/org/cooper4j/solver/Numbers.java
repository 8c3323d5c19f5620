package org.cooper4j.solver;

import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Values of tensors, which wait for a CUDA device. */
final class Numbers {
  private Numbers() {}

  /** All of them. */
  static double[] of(Tensor tensor) {
    Tensor near = tensor.detach().to(new Device("cpu"), ScalarType.Double).contiguous();
    double[] numbers = new double[Math.toIntExact(near.numel())];
    if (numbers.length > 0) {
      near.data_ptr_double().get(numbers);
    }
    return numbers;
  }
}
