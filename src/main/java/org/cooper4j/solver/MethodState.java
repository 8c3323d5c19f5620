package org.cooper4j.solver;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.internal.Tensors;

/** What a run goes on from; in checkpoints a map of tensors and numbers. */
record MethodState(Map<String, Tensor> tensors, Map<String, Double> numbers) {
  private static final String[] TENSORS = {
    "x", "multipliers", "scales", "pairs", "best_x", "best_multipliers"
  };
  private static final String[] NUMBERS = {
    "objective_scale",
    "penalty",
    "inner_tolerance",
    "previous_residual",
    "iterations",
    "steps",
    "evaluations",
    "pairs_count",
    "pairs_next",
    "since_best",
    "best_objective",
    "best_infeasibility",
    "best_stationarity",
    "best_gap",
    "best_penalty"
  };

  /** A state that {@link #toMap} gave, copied. */
  static MethodState of(Map<String, ?> map, long variables) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Map<String, Double> numbers = new LinkedHashMap<>();
    for (String key : map.keySet()) {
      if (!List.of(TENSORS).contains(key) && !List.of(NUMBERS).contains(key)) {
        throw new IllegalArgumentException(key + ": unknown in a solver's state dict");
      }
    }
    for (String key : NUMBERS) {
      if (!(map.get(key) instanceof Number number)) {
        throw new IllegalArgumentException(
            key + ": expected a number in a solver's state dict, found " + map.get(key));
      }
      if (Double.isNaN(number.doubleValue())
          || (number.doubleValue() < 0 && !key.equals("best_objective"))) {
        throw new IllegalArgumentException(key + " is " + number + "; it must be at least 0");
      }
      numbers.put(key, number.doubleValue());
    }
    for (String key : TENSORS) {
      if (!(map.get(key) instanceof Tensor tensor) || tensor.isNull()) {
        throw new IllegalArgumentException(
            key + ": expected a tensor in a solver's state dict, found " + map.get(key));
      }
      Tensors.requireFloatingPoint(tensor, key);
      Tensors.requireValues(tensor, false, key);
      tensors.put(key, tensor);
    }
    requireColumns(tensors, "x", 1, variables, "variables");
    requireColumns(tensors, "best_x", 1, variables, "variables");
    requireColumns(tensors, "pairs", 2, variables, "variables");
    long m = tensors.get("multipliers").numel();
    requireColumns(tensors, "multipliers", 1, m, "constraints");
    requireColumns(tensors, "scales", 1, m, "constraints");
    requireColumns(tensors, "best_multipliers", 1, m, "constraints");
    Map<String, Tensor> copies = new LinkedHashMap<>();
    StateDict.copyOf(tensors).forEach((key, copy) -> copies.put(key, (Tensor) copy));
    return new MethodState(copies, numbers);
  }

  private static void requireColumns(
      Map<String, Tensor> tensors, String key, int dimensions, long columns, String what) {
    Tensor tensor = tensors.get(key);
    if (tensor.dim() != dimensions || tensor.size(dimensions - 1) != columns) {
      throw new IllegalArgumentException(
          key + ": has shape " + Tensors.shape(tensor) + ", for " + columns + " " + what);
    }
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>(StateDict.copyOf(tensors));
    map.putAll(numbers);
    return map;
  }

  Tensor tensor(String key) {
    return tensors.get(key);
  }

  double number(String key) {
    return numbers.get(key);
  }
}
