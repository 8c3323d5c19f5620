package org.cooper4j.golden;

import com.google.gson.JsonElement;
import java.util.Arrays;
import java.util.stream.StreamSupport;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.Devices;

/** Tensors of the golden files' numbers: rounded from double, as torch.tensor rounds them. */
final class GoldenTensors {
  private GoldenTensors() {}

  static ScalarType dtype(String name) {
    return switch (name) {
      case "float32" -> ScalarType.Float;
      case "float64" -> ScalarType.Double;
      default -> throw new IllegalArgumentException("no dtype '" + name + "' in golden files");
    };
  }

  /**
   * How far a value may be off, relative to max(1, |value|). CUDA's kernels contract products and
   * sum in another order: in float32 that carries a case as far as its float32_gap, at most 2e-5.
   */
  static double tolerance(String dtype) {
    return dtype.equals("float64") ? 1e-10 : Devices.isCuda() ? 1e-4 : 1e-5;
  }

  static Tensor vector(double[] values, ScalarType dtype) {
    return Tensor.create(values, values.length).to(Devices.device(), dtype);
  }

  static Tensor matrix(double[][] rows, ScalarType dtype) {
    double[] flat = Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
    return Tensor.create(flat, rows.length, rows[0].length).to(Devices.device(), dtype);
  }

  /** A zero-dimensional tensor of a number, a vector of a list. */
  static Tensor scalarOrVector(JsonElement init, ScalarType dtype) {
    return init.isJsonArray()
        ? vector(doubles(init), dtype)
        : vector(new double[] {init.getAsDouble()}, dtype).select(0, 0);
  }

  static double[] doubles(JsonElement list) {
    return StreamSupport.stream(list.getAsJsonArray().spliterator(), false)
        .mapToDouble(GoldenTensors::number)
        .toArray();
  }

  /** A number, or 1 and 0 for true and false, as tensors of booleans convert. */
  static double number(JsonElement element) {
    return element.getAsJsonPrimitive().isBoolean()
        ? (element.getAsBoolean() ? 1 : 0)
        : element.getAsDouble();
  }
}
