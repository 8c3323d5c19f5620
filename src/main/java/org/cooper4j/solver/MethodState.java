package org.cooper4j.solver;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoublePredicate;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.internal.Tensors;

/**
 * What a run goes on from; in checkpoints a map of tensors and numbers. What begins with {@code
 * best_} is there from the first update of the multipliers on.
 */
record MethodState(Map<String, Tensor> tensors, Map<String, Double> numbers) {
  private static final String BEST = "best_";

  private static final List<String> TENSORS =
      List.of("x", "multipliers", "scales", "pairs", "best_x", "best_multipliers");

  private static final Map<String, Range> NUMBERS = new LinkedHashMap<>();

  static {
    NUMBERS.put("objective_scale", Range.SHARE);
    NUMBERS.put("penalty", Range.POSITIVE);
    NUMBERS.put("inner_tolerance", Range.NOT_NEGATIVE);
    NUMBERS.put("previous_residual", Range.NOT_NEGATIVE_OR_INFINITE);
    NUMBERS.put("iterations", Range.COUNT);
    NUMBERS.put("steps", Range.COUNT);
    NUMBERS.put("evaluations", Range.COUNT);
    NUMBERS.put("pairs_count", Range.COUNT);
    NUMBERS.put("pairs_next", Range.COUNT);
    NUMBERS.put("since_best", Range.COUNT);
    NUMBERS.put("best_objective", Range.FINITE);
    NUMBERS.put("best_infeasibility", Range.NOT_NEGATIVE);
    NUMBERS.put("best_stationarity", Range.NOT_NEGATIVE);
    NUMBERS.put("best_gap", Range.NOT_NEGATIVE);
    NUMBERS.put("best_penalty", Range.POSITIVE);
  }

  /** What a number may be. */
  private enum Range {
    COUNT(
        "a whole number from 0 to 1e9",
        value -> value >= 0 && value <= 1e9 && value == Math.rint(value)),
    SHARE("above 0, and at most 1", value -> value > 0 && value <= 1),
    POSITIVE("above 0, and finite", value -> value > 0 && Double.isFinite(value)),
    NOT_NEGATIVE("at least 0, and finite", value -> value >= 0 && Double.isFinite(value)),
    NOT_NEGATIVE_OR_INFINITE("at least 0", value -> value >= 0),
    FINITE("finite", value -> Double.isFinite(value));

    private final String words;
    private final DoublePredicate test;

    Range(String words, DoublePredicate test) {
      this.words = words;
      this.test = test;
    }
  }

  /**
   * A state that {@link #toMap} gave, copied.
   *
   * @throws IllegalArgumentException naming the key that is missing, unknown or out of its range
   */
  static MethodState of(Map<String, ?> map, long variables) {
    for (String key : map.keySet()) {
      if (!TENSORS.contains(key) && !NUMBERS.containsKey(key)) {
        throw new IllegalArgumentException(key + ": unknown in a solver's state dict");
      }
    }
    boolean best = map.keySet().stream().anyMatch(key -> key.startsWith(BEST));
    Map<String, Double> numbers = new LinkedHashMap<>();
    NUMBERS.forEach(
        (key, range) -> {
          if (best || !key.startsWith(BEST)) {
            numbers.put(key, number(key, map.get(key), range));
          }
        });
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (String key : TENSORS) {
      if (best || !key.startsWith(BEST)) {
        tensors.put(key, tensor(key, map.get(key)));
      }
    }
    long m = tensors.get("multipliers").numel();
    for (String key : tensors.keySet()) {
      boolean perConstraint = key.endsWith("multipliers") || key.equals("scales");
      requireColumns(
          tensors.get(key),
          key,
          key.equals("pairs") ? 2 : 1,
          perConstraint ? m : variables,
          perConstraint ? "constraints" : "variables");
    }
    if (m > 0 && !(tensors.get("scales").min().item_double() > 0)) {
      throw new IllegalArgumentException("scales: all must be above 0");
    }
    requirePairs(tensors.get("pairs"), numbers);
    Map<String, Tensor> copies = new LinkedHashMap<>();
    StateDict.copyOf(tensors).forEach((key, copy) -> copies.put(key, (Tensor) copy));
    return new MethodState(copies, numbers);
  }

  private static double number(String key, Object found, Range range) {
    if (!(found instanceof Number number)) {
      throw new IllegalArgumentException(
          key + ": expected a number in a solver's state dict, found " + found);
    }
    double value = number.doubleValue();
    if (!range.test.test(value)) {
      throw new IllegalArgumentException(key + " is " + number + "; it must be " + range.words);
    }
    return value;
  }

  private static Tensor tensor(String key, Object found) {
    if (!(found instanceof Tensor tensor) || !Tensors.hasValues(tensor)) {
      throw new IllegalArgumentException(
          key + ": expected a tensor in a solver's state dict, found " + found);
    }
    if (!Tensors.isDense(tensor) || tensor.is_meta()) {
      throw new IllegalArgumentException(key + ": expected a dense tensor that has values");
    }
    Tensors.requireFloatingPoint(tensor, key);
    Tensors.requireValues(tensor, false, key);
    return tensor;
  }

  private static void requireColumns(
      Tensor tensor, String key, int dimensions, long columns, String what) {
    if (tensor.dim() != dimensions || tensor.size(dimensions - 1) != columns) {
      throw new IllegalArgumentException(
          key + ": has shape " + Tensors.shape(tensor) + ", for " + columns + " " + what);
    }
  }

  /** A step and a change of the gradient for each, and a row for the gradient itself. */
  private static void requirePairs(Tensor pairs, Map<String, Double> numbers) {
    long rows = pairs.size(0);
    if (rows < 3 || rows % 2 == 0) {
      throw new IllegalArgumentException(
          "pairs: has " + rows + " rows; expected 2 historySize + 1, with historySize at least 1");
    }
    long memory = rows / 2;
    if (numbers.get("pairs_count") > memory || numbers.get("pairs_next") >= memory) {
      throw new IllegalArgumentException(
          "pairs_count is "
              + numbers.get("pairs_count").longValue()
              + ", pairs_next "
              + numbers.get("pairs_next").longValue()
              + "; with "
              + rows
              + " rows of pairs they must be at most "
              + memory
              + ", and below it");
    }
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>(StateDict.copyOf(tensors));
    map.putAll(numbers);
    return map;
  }

  /** Whether there is a best point. */
  boolean hasBest() {
    return tensors.containsKey("best_x");
  }

  Tensor tensor(String key) {
    return tensors.get(key);
  }

  double number(String key) {
    return numbers.get(key);
  }

  int count(String key) {
    return (int) number(key);
  }
}
