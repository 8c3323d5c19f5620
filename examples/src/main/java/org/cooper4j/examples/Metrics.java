package org.cooper4j.examples;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Values recorded during a training: one list a name, all of the same length. */
final class Metrics {
  private final Map<String, List<Object>> values = new LinkedHashMap<>();

  Metrics(String... names) {
    for (String name : names) {
      values.put(name, new ArrayList<>());
    }
  }

  /** Appends one value of each name, in the order of the names. */
  void record(Number... row) {
    int column = 0;
    for (List<Object> list : values.values()) {
      list.add(row[column++]);
    }
  }

  /** The lists as they go into a checkpoint. */
  Map<String, List<Object>> asMap() {
    return values;
  }

  /**
   * Takes over lists that a checkpoint holds.
   *
   * @throws IllegalArgumentException if a list is missing, has no numbers or another length
   */
  void load(Map<String, ?> saved) {
    int length = -1;
    for (String name : values.keySet()) {
      if (!(saved.get(name) instanceof List<?> list)
          || !list.stream().allMatch(Number.class::isInstance)
          || (length >= 0 && list.size() != length)) {
        throw new IllegalArgumentException(
            "all_metrics." + name + ": expected a list of numbers as long as the others");
      }
      length = list.size();
    }
    values.forEach((name, list) -> list.addAll((List<?>) saved.get(name)));
  }

  double[] column(String name) {
    return values.get(name).stream().mapToDouble(v -> ((Number) v).doubleValue()).toArray();
  }
}
