package org.cooper4j.checkpoint;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Tensors;

/**
 * An ordered map of names to tensors and plain values, as {@code torch.nn.Module.state_dict} gives:
 * Python's {@code collections.OrderedDict}, with its {@code _metadata} where it has one.
 */
public final class StateDict extends LinkedHashMap<String, Object> {
  /**
   * Checks that a state dict has exactly the expected tensors.
   *
   * @throws IllegalArgumentException naming the first key that is missing, unknown or misshapen
   */
  public static void check(Map<String, Tensor> expected, Map<String, ?> found) {
    expected.forEach(
        (key, tensor) -> {
          Object value = found.get(key);
          if (!(value instanceof Tensor)) {
            throw new IllegalArgumentException(
                key + ": expected a tensor " + describe(tensor) + ", found " + describe(value));
          }
          if (!java.util.Arrays.equals(tensor.shape(), ((Tensor) value).shape())) {
            throw new IllegalArgumentException(
                key + ": expected " + describe(tensor) + ", found " + describe(value));
          }
        });
    for (String key : found.keySet()) {
      if (!expected.containsKey(key)) {
        throw new IllegalArgumentException(
            key + ": unknown key; expected " + String.join(", ", expected.keySet()));
      }
    }
  }

  private static String describe(Object value) {
    if (value instanceof Tensor tensor) {
      return Tensors.dtype(tensor) + " " + Tensors.shape(tensor);
    }
    return value == null ? "nothing" : value.getClass().getSimpleName();
  }
}
