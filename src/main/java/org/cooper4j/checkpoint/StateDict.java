package org.cooper4j.checkpoint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.PointerScope;
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
  private static final int NAMED = 20; // keys that a message lists

  private Object metadata;

  /** An empty one. */
  public StateDict() {}

  StateDict(int capacity) {
    super(capacity);
  }

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
   * Takes a prefix off the names that have it, such as the {@code module.} of
   * DistributedDataParallel or the {@code _orig_mod.} of torch.compile; the tensors are the same.
   * Mirrors {@code torch.nn.modules.utils.consume_prefix_in_state_dict_if_present}.
   */
  public static StateDict withoutPrefix(Map<String, ?> state, String prefix) {
    StateDict stripped = new StateDict();
    state.forEach(
        (name, value) ->
            stripped.put(name.startsWith(prefix) ? name.substring(prefix.length()) : name, value));
    return stripped;
  }

  /**
   * A copy whose tensors do not change when training goes on, to keep the best weights: of a
   * model's, a problem's or an optimizer's state.
   */
  public static StateDict copyOf(Map<String, ?> state) {
    StateDict copy = new StateDict();
    state.forEach((name, value) -> copy.put(name, copyOf(value)));
    return copy;
  }

  private static Object copyOf(Object value) {
    if (value instanceof Tensor tensor) {
      try (PointerScope temporaries = new PointerScope()) {
        return Tensors.keep(tensor.detach().clone());
      }
    } else if (value instanceof Map<?, ?> map) {
      Map<Object, Object> copy = new LinkedHashMap<>();
      map.forEach((key, item) -> copy.put(key, copyOf(item)));
      return copy;
    } else if (value instanceof List<?> list) {
      List<Object> copy = new ArrayList<>();
      list.forEach(item -> copy.add(copyOf(item)));
      return copy;
    }
    return value;
  }

  /**
   * Checks that a state dict has exactly the expected tensors.
   *
   * @throws IllegalArgumentException naming all keys that are missing and all that are not
   *     expected, and the prefix that would make them fit; or the first that is misshapen
   */
  public static void check(Map<String, Tensor> expected, Map<String, ?> found) {
    List<String> missing = new ArrayList<>();
    expected.forEach(
        (key, tensor) -> {
          if (!found.containsKey(key)) {
            missing.add(key);
          }
        });
    List<String> unexpected = new ArrayList<>();
    for (Object key : found.keySet()) {
      if (!expected.containsKey(key)) {
        unexpected.add(String.valueOf(key));
      }
    }
    if (!missing.isEmpty() || !unexpected.isEmpty()) {
      throw new IllegalArgumentException(misfit(expected, missing, unexpected));
    }
    expected.forEach(
        (key, tensor) -> {
          if (!(found.get(key) instanceof Tensor value)
              || value.isNull()
              || !Arrays.equals(tensor.shape(), value.shape())) {
            throw new IllegalArgumentException(
                key + ": expected " + describe(tensor) + ", found " + describe(found.get(key)));
          }
        });
  }

  private static String misfit(
      Map<String, Tensor> expected, List<String> missing, List<String> unexpected) {
    List<String> parts = new ArrayList<>();
    if (!missing.isEmpty()) {
      parts.add("missing keys: " + joined(missing));
    }
    if (!unexpected.isEmpty()) {
      parts.add("unexpected keys: " + joined(unexpected));
    }
    List<String> names = new ArrayList<>();
    expected.forEach((key, tensor) -> names.add(key + " (" + describe(tensor) + ")"));
    parts.add("expected: " + joined(names));
    String prefix = prefix(missing, unexpected);
    return String.join("; ", parts)
        + (prefix.isEmpty()
            ? ""
            : String.format(
                ". They are there behind the prefix '%s': StateDict.withoutPrefix(state, \"%s\")"
                    + " takes it off",
                prefix, prefix));
  }

  private static String joined(List<String> names) {
    String text = names.stream().limit(NAMED).collect(Collectors.joining(", "));
    return names.size() > NAMED ? text + ", … (" + names.size() + ")" : text;
  }

  /** What stands before all missing names in the unexpected ones; "" if there is no such thing. */
  private static String prefix(List<String> missing, List<String> unexpected) {
    Set<String> there = new HashSet<>(unexpected);
    for (String name : unexpected) {
      if (!missing.isEmpty() && name.endsWith(missing.get(0))) {
        String prefix = name.substring(0, name.length() - missing.get(0).length());
        if (missing.stream().allMatch(key -> there.contains(prefix + key))) {
          return prefix;
        }
      }
    }
    return "";
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
    if (value instanceof Python.Opaque) {
      return "an " + value;
    }
    return value == null ? "nothing" : value.getClass().getSimpleName();
  }
}
