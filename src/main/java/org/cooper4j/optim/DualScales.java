package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Running means of one constraint's units and reaches, a number a row. */
final class DualScales {
  private static final double WEIGHT = 0.1;
  private static final double LEAST = 0.8; // of the newest unit
  private static final double LARGEST = 1e30; // which float32 still has

  private final double[] unit;
  private final double[] reach;
  private final double[] measurements;

  DualScales(int rows) {
    unit = new double[rows];
    reach = new double[rows];
    measurements = new double[rows];
  }

  int rows() {
    return unit.length;
  }

  double[] units() {
    return unit.clone();
  }

  double[] reaches() {
    return reach.clone();
  }

  boolean knowsAll() {
    return Arrays.stream(measurements).allMatch(count -> count > 0);
  }

  boolean knows(int row) {
    return measurements[row] > 0;
  }

  /**
   * Takes a measurement in; one that is not finite says nothing. A unit that has grown beyond the
   * mean is followed at once: with a mean far too small the violation would have to wait.
   */
  void add(int row, double newUnit, double newReach) {
    if (Double.isFinite(newUnit) && Double.isFinite(newReach)) {
      double weight = Math.max(WEIGHT, 1 / ++measurements[row]);
      double growth = newUnit - unit[row];
      if (unit[row] + weight * growth < LEAST * newUnit) {
        weight = (LEAST * newUnit - unit[row]) / growth;
      }
      unit[row] += weight * growth;
      reach[row] += weight * (newReach - reach[row]);
    }
  }

  /** Factors from a violation to its share of what so many steps can move; 0 where unknown. */
  double[] perReach(double steps) {
    double[] factors = new double[rows()];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = knows(i) ? Math.min(LARGEST, 1 / (steps * reach[i])) : 0;
    }
    return factors;
  }

  Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("unit", boxed(unit));
    state.put("reach", boxed(reach));
    state.put("measurements", boxed(measurements));
    return state;
  }

  private static List<Double> boxed(double[] values) {
    return new ArrayList<>(Arrays.stream(values).boxed().toList());
  }

  /**
   * What {@link #stateDict} gave, for so many rows.
   *
   * @throws IllegalArgumentException naming what does not fit
   */
  static DualScales of(Object state, int rows) {
    if (!(state instanceof Map<?, ?> map)) {
      throw new IllegalArgumentException("expected a dict, found " + state);
    }
    DualScales scales = new DualScales(rows);
    read(map, "unit", scales.unit);
    read(map, "reach", scales.reach);
    read(map, "measurements", scales.measurements);
    return scales;
  }

  private static void read(Map<?, ?> state, String key, double[] into) {
    if (!(state.get(key) instanceof List<?> values)
        || values.size() != into.length
        || !values.stream().allMatch(value -> value instanceof Number n && isValid(n))) {
      throw new IllegalArgumentException(
          key
              + ": expected a list of finite numbers of at least 0, "
              + into.length
              + " of them, one for each unit of this constraint, found "
              + state.get(key));
    }
    for (int i = 0; i < into.length; i++) {
      into[i] = ((Number) values.get(i)).doubleValue();
    }
  }

  private static boolean isValid(Number number) {
    return Double.isFinite(number.doubleValue()) && number.doubleValue() >= 0;
  }
}
