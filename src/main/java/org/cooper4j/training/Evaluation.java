package org.cooper4j.training;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.ConstraintType;
import org.cooper4j.RollValues;
import org.cooper4j.data.Batch;

/** A problem's numbers over all batches of a data set. */
final class Evaluation {
  /** A weighted mean. */
  private static final class Mean {
    double sum;
    double weight;

    void add(double value, double w) {
      sum += w * value;
      weight += w;
    }

    double get() {
      return sum / weight;
    }
  }

  private final Mean loss = new Mean();
  private final Map<String, Map<Long, Mean>> violations = new LinkedHashMap<>();
  private final Map<String, Map<Long, Mean>> strictViolations = new LinkedHashMap<>();
  private final Map<String, Mean> misc = new LinkedHashMap<>();

  private Evaluation() {}

  static <B> Map<String, Double> of(
      ConstrainedMinimizationProblem<B> problem,
      Iterable<? extends B> batches,
      Collection<Module> modules) {
    Evaluation evaluation = new Evaluation();
    boolean any = false;
    try (EvalMode mode = new EvalMode(modules);
        NoGradGuard noGrad = new NoGradGuard()) {
      for (B batch : batches) {
        any = true;
        try (PointerScope temporaries = new PointerScope()) {
          CMPState state = problem.computeCMPState(batch);
          CMPState.Lagrangians lagrangians = state.computeLagrangians();
          evaluation.add(
              RollValues.of(state, lagrangians.primal(), lagrangians.dual()),
              batch instanceof Batch sized ? sized.size() : 1);
        }
      }
    }
    if (!any) {
      throw new IllegalStateException(
          "there are no batches to evaluate; each iterator() must start a new pass");
    }
    return evaluation.numbers(problem);
  }

  private void add(RollValues values, double weight) {
    values.loss().ifPresent(value -> loss.add(value, weight));
    add(violations, values.violations(), values.rows(), weight);
    add(strictViolations, values.strictViolations(), values.strictRows(), weight);
    values
        .misc()
        .forEach((key, value) -> misc.computeIfAbsent(key, k -> new Mean()).add(value, weight));
  }

  private static void add(
      Map<String, Map<Long, Mean>> means,
      Map<String, double[]> values,
      Map<String, long[]> rows,
      double weight) {
    values.forEach(
        (name, entries) -> {
          Map<Long, Mean> own = means.computeIfAbsent(name, k -> new TreeMap<>());
          for (int i = 0; i < entries.length; i++) {
            long row = rows.containsKey(name) ? rows.get(name)[i] : i;
            own.computeIfAbsent(row, k -> new Mean()).add(entries[i], weight);
          }
        });
  }

  private Map<String, Double> numbers(ConstrainedMinimizationProblem<?> problem) {
    Map<String, Double> numbers = new LinkedHashMap<>();
    if (loss.weight > 0) {
      numbers.put(Numbers.LOSS, loss.get());
    }
    Numbers.put(numbers, "violation", entries(violations));
    Map<String, double[]> judged = entries(violations);
    judged.putAll(entries(strictViolations));
    double max = 0;
    for (Map.Entry<String, double[]> entry : judged.entrySet()) {
      boolean inequality =
          problem.namedConstraints().get(entry.getKey()).constraintType()
              == ConstraintType.INEQUALITY;
      for (double violation : entry.getValue()) {
        max = Math.max(max, inequality ? violation : Math.abs(violation));
      }
    }
    numbers.put(Numbers.MAX_VIOLATION, max);
    Map<String, Double> means = new LinkedHashMap<>();
    misc.forEach((key, mean) -> means.put(key, mean.get()));
    Numbers.putMisc(numbers, means);
    return numbers;
  }

  private static Map<String, double[]> entries(Map<String, Map<Long, Mean>> means) {
    Map<String, double[]> entries = new LinkedHashMap<>();
    means.forEach(
        (name, own) -> entries.put(name, own.values().stream().mapToDouble(Mean::get).toArray()));
    return entries;
  }
}
