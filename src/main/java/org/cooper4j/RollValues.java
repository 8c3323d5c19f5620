package org.cooper4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Readout;

/**
 * The numbers of one evaluated point: loss, violations, multipliers and penalty coefficients by the
 * names of their constraints, in the order of observation. Immutable, free of tensors: keep it, and
 * hand it to other threads.
 *
 * <p>All of it is read at once: on a CUDA device in one copy, for which this waits once. Numbers
 * are those of the tensors, exactly: a float32 becomes the double of the same value. Every array is
 * the caller's own.
 */
public final class RollValues {
  private final OptionalDouble loss;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Map<String, Double> misc = new LinkedHashMap<>();

  /** Of one constraint; null is what there is not. */
  private static final class Entry {
    final boolean inequality;
    double[] violation;
    double[] rows;
    double[] strictViolation;
    double[] strictRows;
    double[] multiplier;
    double[] penaltyCoefficient;
    double[] dualMultiplier;

    Entry(Constraint constraint) {
      inequality = constraint.constraintType() == ConstraintType.INEQUALITY;
    }

    double[] dualMultiplier() {
      return dualMultiplier == null ? multiplier : dualMultiplier;
    }
  }

  private RollValues(CMPState state, LagrangianStore primal, LagrangianStore dual) {
    List<String> miscNames = new ArrayList<>();
    List<Tensor> miscTensors = new ArrayList<>();
    state
        .misc()
        .forEach(
            (key, value) -> {
              if (value instanceof Number number) {
                misc.put(key, number.doubleValue());
              } else if (value instanceof Tensor tensor) {
                misc.put(key, null);
                miscNames.add(key);
                miscTensors.add(tensor);
              }
            });
    List<Constraint> primals = primal.constraints();
    List<Constraint> duals = dual.constraints();
    Readout readout =
        new Readout(
            primal.evaluation(), primals.size(), dual.evaluation(), duals.size(), miscTensors);
    double[] read = readout.next();
    loss = read == null ? OptionalDouble.empty() : OptionalDouble.of(read[0]);
    for (Constraint constraint : dual.evaluation() == null ? primals : duals) {
      Entry entry = entry(constraint);
      entry.violation = readout.next();
      entry.rows = readout.next();
      entry.strictViolation = readout.next();
      entry.strictRows = readout.next();
    }
    for (Constraint constraint : primals) {
      Entry entry = entry(constraint);
      entry.multiplier = readout.next();
      entry.penaltyCoefficient = readout.next();
    }
    for (Constraint constraint : duals) {
      Entry entry = entry(constraint);
      entry.dualMultiplier = readout.next();
      if (entry.multiplier == null) {
        entry.multiplier = entry.dualMultiplier;
      }
    }
    for (String name : miscNames) {
      double[] value = readout.next();
      if (value == null || value.length == 0) {
        misc.remove(name);
      } else {
        misc.put(name, value[0]);
      }
    }
  }

  private Entry entry(Constraint constraint) {
    return entries.computeIfAbsent(
        constraint.name().orElseThrow(), unused -> new Entry(constraint));
  }

  /**
   * Reads the numbers of a point that you differentiated yourself; after a roll there is {@code
   * RollOut.values()}.
   *
   * @param state the state that the violations are of
   * @param primal the primal Lagrangian
   * @param dual the dual Lagrangian; {@link LagrangianStore#empty()} if there is none
   * @throws IllegalStateException if they were made in a roll, after the next one or in another
   *     thread
   */
  public static RollValues of(CMPState state, LagrangianStore primal, LagrangianStore dual) {
    return new RollValues(state, primal, dual);
  }

  /** The loss f(x); empty if the problem gave none. */
  public OptionalDouble loss() {
    return loss;
  }

  /** The violations, positive where an inequality is violated; of an indexed one as observed. */
  public Map<String, double[]> violations() {
    return all(entry -> entry.violation);
  }

  /** The strict violations, of the constraints that gave one. */
  public Map<String, double[]> strictViolations() {
    return all(entry -> entry.strictViolation);
  }

  /**
   * The multipliers that weighed the violations in the primal gradient (where a constraint does not
   * contribute to that, in the dual Lagrangian), one a violation.
   */
  public Map<String, double[]> multipliers() {
    return all(entry -> entry.multiplier);
  }

  /**
   * The multipliers that the dual update started from, one a strict violation. They differ from
   * {@link #multipliers()} where dual variables step first, and where strict violations have
   * features of their own.
   */
  public Map<String, double[]> dualMultipliers() {
    return all(Entry::dualMultiplier);
  }

  /** The penalty coefficients, one a violation, or one for all. */
  public Map<String, double[]> penaltyCoefficients() {
    return all(entry -> entry.penaltyCoefficient);
  }

  /** Which rows the violations of indexed constraints are of. */
  public Map<String, long[]> rows() {
    return allRows(entry -> entry.rows);
  }

  /** Which rows the strict violations are of; {@link #rows()} where they gave none of their own. */
  public Map<String, long[]> strictRows() {
    return allRows(entry -> entry.strictRows == null ? entry.rows : entry.strictRows);
  }

  /** The numbers and scalar tensors that {@link CMPState#misc(String, Object)} kept. */
  public Map<String, Double> misc() {
    return Collections.unmodifiableMap(misc);
  }

  private Map<String, double[]> all(Function<Entry, double[]> part) {
    Map<String, double[]> all = new LinkedHashMap<>();
    entries.forEach(
        (name, entry) -> {
          double[] values = part.apply(entry);
          if (values != null) {
            all.put(name, values.clone());
          }
        });
    return all;
  }

  private Map<String, long[]> allRows(Function<Entry, double[]> part) {
    Map<String, long[]> all = new LinkedHashMap<>();
    all(part)
        .forEach(
            (name, rows) -> all.put(name, Arrays.stream(rows).mapToLong(d -> (long) d).toArray()));
    return all;
  }

  /**
   * The violation of a constraint with one.
   *
   * @throws IllegalArgumentException as all of these: if there is no such constraint, or not
   *     exactly one value of it
   */
  public double violation(String name) {
    return one(name, "violation", entry -> entry.violation);
  }

  /** The strict violation of a constraint with one. */
  public double strictViolation(String name) {
    return one(name, "strict violation", entry -> entry.strictViolation);
  }

  /** The multiplier of a constraint with one. */
  public double multiplier(String name) {
    return one(name, "multiplier", entry -> entry.multiplier);
  }

  /** The penalty coefficient of a constraint with one. */
  public double penaltyCoefficient(String name) {
    return one(name, "penalty coefficient", entry -> entry.penaltyCoefficient);
  }

  private double one(String name, String what, Function<Entry, double[]> part) {
    double[] values = part.apply(require(name));
    if (values == null || values.length != 1) {
      throw new IllegalArgumentException(
          "constraint '"
              + name
              + "' has "
              + (values == null ? "no " + what : values.length + " of its " + what)
              + " here, not one; the maps have them all");
    }
    return values[0];
  }

  private Entry require(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new IllegalArgumentException(
          "no constraint '" + name + "' was observed; there are " + entries.keySet());
    }
    return entry;
  }

  /**
   * The largest violation of all constraints: 0 if the point is feasible. Counted are g of
   * inequalities where it is positive and |h| of equalities, of strict violations where a
   * constraint gave them. NaN if a value is.
   */
  public double maxViolation() {
    double max = 0;
    for (Entry entry : entries.values()) {
      max = Math.max(max, maxViolation(entry));
    }
    return max;
  }

  /**
   * The largest violation of one constraint, likewise.
   *
   * @throws IllegalArgumentException if there is no such constraint
   */
  public double maxViolation(String name) {
    return maxViolation(require(name));
  }

  private static double maxViolation(Entry entry) {
    double[] values = entry.strictViolation == null ? entry.violation : entry.strictViolation;
    double max = 0;
    for (int i = 0; values != null && i < values.length; i++) {
      max = Math.max(max, entry.inequality ? values[i] : Math.abs(values[i]));
    }
    return max;
  }

  /** Loss, largest violations, and misc. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("RollValues(");
    loss.ifPresent(value -> text.append("loss: ").append(value).append(", "));
    entries.forEach(
        (name, entry) -> text.append(name).append(": ").append(maxViolation(entry)).append(", "));
    misc.forEach((name, value) -> text.append(name).append(": ").append(value).append(", "));
    if (text.charAt(text.length() - 1) == ' ') {
      text.setLength(text.length() - 2);
    }
    return text.append(')').toString();
  }
}
