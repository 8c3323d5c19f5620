package org.cooper4j.training;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.cooper4j.RollValues;

/** Gives a roll's values the names that records and logs have them by. */
final class Numbers {
  static final String LOSS = "loss";
  static final String MAX_VIOLATION = "max_violation";

  private Numbers() {}

  static Map<String, Double> of(RollValues values) {
    Map<String, Double> numbers = new LinkedHashMap<>();
    values.loss().ifPresent(loss -> numbers.put(LOSS, loss));
    put(numbers, "violation", values.violations());
    put(numbers, "multiplier", values.multipliers());
    put(numbers, "penalty", values.penaltyCoefficients());
    numbers.put(MAX_VIOLATION, values.maxViolation());
    putMisc(numbers, values.misc());
    return numbers;
  }

  /**
   * Adds a state's misc.
   *
   * @throws IllegalArgumentException if one has the name of another number
   */
  static void putMisc(Map<String, Double> numbers, Map<String, Double> misc) {
    misc.forEach(
        (key, value) -> {
          if (numbers.putIfAbsent(key, value) != null) {
            throw new IllegalArgumentException(
                "misc '" + key + "': a training has a number of that name; choose another key");
          }
        });
  }

  static void put(Map<String, Double> numbers, String kind, Map<String, double[]> all) {
    all.forEach(
        (name, entries) -> {
          String key = kind + "/" + name;
          if (entries.length == 1) {
            numbers.put(key, entries[0]);
          } else if (entries.length > 1) {
            numbers.put(key + "/max", Arrays.stream(entries).max().getAsDouble());
            numbers.put(key + "/mean", Arrays.stream(entries).sum() / entries.length);
          }
        });
  }
}
