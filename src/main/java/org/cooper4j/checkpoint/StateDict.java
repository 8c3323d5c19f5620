package org.cooper4j.checkpoint;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.SharedModuleVector;
import org.bytedeco.pytorch.StringSharedModuleDict;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Tensors;

/**
 * An ordered map of names to tensors and plain values, as {@code torch.nn.Module.state_dict} gives:
 * Python's {@code collections.OrderedDict}, with its {@code _metadata} where it has one.
 */
public final class StateDict extends LinkedHashMap<String, Object> {
  private Object metadata;

  /** An empty one. */
  public StateDict() {}

  /**
   * A module's parameters and buffers by dotted name, in Python's order; not copied. Mirrors {@code
   * torch.nn.Module.state_dict}.
   */
  public static StateDict of(Module module) {
    StateDict state = new StateDict();
    tensors(module, "", state);
    return state;
  }

  /**
   * Copies a state into a module, all of it or nothing. Mirrors {@code
   * torch.nn.Module.load_state_dict} with {@code strict=True}.
   *
   * @throws IllegalArgumentException naming the key that is missing, unknown or of another shape
   */
  public static void load(Module module, Map<String, ?> state) {
    Map<String, Tensor> targets = new LinkedHashMap<>();
    tensors(module, "", targets);
    check(targets, state);
    targets.forEach((name, tensor) -> Tensors.copyInto(tensor, (Tensor) state.get(name)));
  }

  private static void tensors(Module module, String prefix, Map<String, ? super Tensor> found) {
    for (StringTensorDict own :
        new StringTensorDict[] {module.named_parameters(false), module.named_buffers(false)}) {
      for (long i = 0; i < own.size(); i++) {
        found.put(prefix + own.get(i).key().getString(), Tensors.keep(own.get(i).value().detach()));
      }
    }
    StringSharedModuleDict children = module.named_children();
    SharedModuleVector values = children.values();
    for (long i = 0; i < children.size(); i++) {
      tensors(values.get(i), prefix + children.keys().get(i).getString() + ".", found);
    }
  }

  /**
   * Checks that a state dict has exactly the expected tensors.
   *
   * @throws IllegalArgumentException naming the first key that is missing, unknown or misshapen
   */
  public static void check(Map<String, Tensor> expected, Map<String, ?> found) {
    expected.forEach(
        (key, tensor) -> {
          if (!(found.get(key) instanceof Tensor value)
              || value.isNull()
              || !Arrays.equals(tensor.shape(), value.shape())) {
            throw new IllegalArgumentException(
                key + ": expected " + describe(tensor) + ", found " + describe(found.get(key)));
          }
        });
    for (String key : found.keySet()) {
      if (!expected.containsKey(key)) {
        throw new IllegalArgumentException(
            key + ": unknown key; expected " + String.join(", ", expected.keySet()));
      }
    }
  }

  /** The {@code _metadata} that Python attached; null if there is none. */
  public Object metadata() {
    return metadata;
  }

  void setMetadata(Object metadata) {
    this.metadata = metadata;
  }

  static String describe(Object value) {
    if (value instanceof Tensor tensor) {
      if (tensor.isNull()) {
        return "a released tensor";
      }
      return Tensors.dtype(tensor) + " " + Tensors.shape(tensor);
    }
    return value == null ? "nothing" : value.getClass().getSimpleName();
  }
}
