package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Running means of one constraint's units and reaches, a number a row, and of the steps from one
 * that it pulls in to the next.
 */
final class DualScales {
  private static final double WEIGHT = 0.1;
  private static final double LEAST = 0.8; // of the newest unit
  private static final double LARGEST = 1e30; // which float32 still has
  private static final double MOST = 9007199254740992.0; // up to which a double counts one by one
  private static final List<String> KEYS =
      List.of("unit", "reach", "measurements", "every", "seen");

  private final double[] unit;
  private final double[] reach;
  private final double[] measurements;
  private double every = 1;
  private long seen; // the last step that it pulled in; 0 before the first

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
   * Takes a measurement in; one that float32 has not says nothing. A unit that has grown beyond the
   * mean is followed at once: with a mean far too small the violation would have to wait.
   */
  void add(int row, double newUnit, double newReach) {
    if (isMeasurement(newUnit) && isMeasurement(newReach)) {
      double weight = Math.max(WEIGHT, 1 / ++measurements[row]);
      double growth = newUnit - unit[row];
      if (unit[row] + weight * growth < LEAST * newUnit) {
        weight = (LEAST * newUnit - unit[row]) / growth;
      }
      unit[row] += weight * growth;
      reach[row] += weight * (newReach - reach[row]);
    }
  }

  /**
   * Notes that the constraint pulls in a step. One long pause is no habit: the mean follows twice
   * itself at most.
   */
  void pulls(long step) {
    if (seen > 0 && step > seen) {
      every += WEIGHT * (Math.min(step - seen, 2 * every + 1) - every);
    }
    seen = step;
  }

  /** Factors from a violation to its share of what so many steps can move; 0 where unknown. */
  double[] perReach(double steps) {
    double[] factors = new double[rows()];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = knows(i) ? Math.min(LARGEST, 1 / (steps * reach[i])) : 0;
    }
    return factors;
  }

  /**
   * The multipliers at which it pulls, in the mean of all steps, as hard as the loss; or so many
   * times the units, at most.
   */
  double[] perPull(double most) {
    double times = Math.min(every, most);
    return Arrays.stream(unit).map(its -> Math.min(LARGEST, its * times)).toArray();
  }

  Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("unit", boxed(unit));
    state.put("reach", boxed(reach));
    state.put("measurements", boxed(measurements));
    state.put("every", every);
    state.put("seen", seen);
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
    requireKeys(map, KEYS);
    DualScales scales = new DualScales(rows);
    String numbers = "numbers from 0 to what float32 has";
    read(map, "unit", scales.unit, DualScales::isMeasurement, numbers);
    read(map, "reach", scales.reach, DualScales::isMeasurement, numbers);
    read(map, "measurements", scales.measurements, DualScales::isCount, "counts");
    if (!(map.get("every") instanceof Number mean)
        || !(mean.doubleValue() >= 1 && mean.doubleValue() <= MOST)) {
      throw new IllegalArgumentException(
          "every: expected a number from 1 to 2^53, found " + map.get("every"));
    }
    scales.every = mean.doubleValue();
    scales.seen = count(map, "seen");
    return scales;
  }

  /** That a state dict has no other keys than these. */
  static void requireKeys(Map<?, ?> state, List<String> keys) {
    for (Object key : state.keySet()) {
      if (!(key instanceof String) || !keys.contains(key)) {
        throw new IllegalArgumentException(key + ": unexpected key; expected " + keys);
      }
    }
  }

  private static void read(
      Map<?, ?> state, String key, double[] into, Predicate<Number> isValid, String what) {
    if (!(state.get(key) instanceof List<?> values)
        || values.size() != into.length
        || !values.stream().allMatch(value -> value instanceof Number n && isValid.test(n))) {
      throw new IllegalArgumentException(
          key
              + ": expected a list of "
              + what
              + ", "
              + into.length
              + " of them, one for each unit of this constraint, found "
              + state.get(key));
    }
    for (int i = 0; i < into.length; i++) {
      into[i] = ((Number) values.get(i)).doubleValue();
    }
  }

  /** A whole number of a state dict. */
  static long count(Map<?, ?> state, String key) {
    if (!(state.get(key) instanceof Number number) || !isCount(number)) {
      throw new IllegalArgumentException(
          key + ": expected a whole number from 0 to 2^53, found " + state.get(key));
    }
    return number.longValue();
  }

  /** Whether it is a whole number of at least 0. */
  private static boolean isCount(Number number) {
    double value = number.doubleValue();
    return value >= 0 && value <= MOST && value == Math.rint(value);
  }

  /** Whether it is a unit or a reach that {@link #add} would take. */
  private static boolean isMeasurement(Number number) {
    return isMeasurement(number.doubleValue());
  }

  private static boolean isMeasurement(double value) {
    return value >= 0 && value <= Float.MAX_VALUE;
  }
}
