package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.internal.Optimizers;
import org.cooper4j.internal.Tensors;

/**
 * Measures constraints' units and reaches for {@link DualRates}, one row of one constraint in turn,
 * and all those of which nothing is known yet.
 */
final class DualMeter {
  /** One of so many steps is measured. */
  static final int EVERY = 10;

  private static final int MOST_ROWS = 16;
  private static final String UNIT = "dual_unit/";
  private static final String REACH = "dual_reach/";
  private static final String SHARE = "dual_share/"; // of the roll's parts, which had a gradient

  private final ConstrainedOptimizer<?> optimizer;
  private Map<String, DualScales> scales = new LinkedHashMap<>();
  private long steps;
  private long turn; // the row that is measured next, counted through all constraints
  private List<Tensor> before = List.of(); // the variables, from a step until it is measured

  DualMeter(ConstrainedOptimizer<?> optimizer) {
    this.optimizer = optimizer;
  }

  /** Those of the constraints that have been measured, by name. */
  Map<String, DualScales> scales() {
    return scales;
  }

  /**
   * Every tenth step is measured, for which the variables before it are kept; and every one, until
   * all rows that were seen have had a gradient.
   */
  void beforePrimalStep() {
    if (steps++ % EVERY == 0 || !scales.values().stream().allMatch(DualScales::knowsAll)) {
      replaceBefore(copies(variables()));
    }
  }

  private void replaceBefore(List<Tensor> others) {
    before.forEach(Tensor::close);
    before = others;
  }

  private List<Tensor> variables() {
    List<Tensor> variables = new ArrayList<>();
    Optimizers.forEachParameter(
        optimizer.primalOptimizers(),
        parameter -> {
          if (parameter.requires_grad()) {
            variables.add(new Tensor(parameter));
          }
        });
    return variables;
  }

  private static List<Tensor> copies(List<?> tensors) {
    try (PointerScope temporaries = new PointerScope()) {
      return tensors.stream()
          .map(tensor -> Tensors.keep(((Tensor) tensor).detach().clone()))
          .toList();
    }
  }

  /** Measures the last primal step, if it is one to measure, into a state's misc. */
  void evaluated(CMPState state) {
    if (before.isEmpty() || state.loss().isEmpty()) {
      return;
    }
    if (!fits(before)) { // one was frozen, or unfrozen, since
      replaceBefore(List.of());
      return;
    }
    try (PointerScope temporaries = new PointerScope()) {
      Slopes slopes = null;
      long rows = 0;
      for (var entry : state.observedConstraints().entrySet()) {
        ConstraintState observed = entry.getValue();
        if (!DualRates.isServed(entry.getKey())
            || !observed.contributesToPrimalUpdate()
            || !observed.violation().requires_grad()) {
          continue;
        }
        DualScales its = scales(entry.getKey(), observed);
        for (int row = 0; row < its.rows(); row++, rows++) {
          if (!its.knows(row) || rows == turn) {
            if (slopes == null) {
              slopes = new Slopes(variables(), before, state.loss().get());
            }
            slopes.turnTo(observed.violation(), seed(entry.getKey(), observed, its.rows(), row));
            String name = name(entry.getKey().name().orElseThrow(), its.rows(), row);
            double unit = slopes.unit(its.knows(row) ? Double.NaN : slopes.inverse());
            put(state, name, unit, slopes.reach());
          }
        }
      }
    }
  }

  /** A part in which the row has no gradient counts for nothing in the means of all parts. */
  private static void put(CMPState state, String name, double unit, double reach) {
    boolean has = Double.isFinite(unit) && Double.isFinite(reach);
    state
        .misc(UNIT + name, has ? unit : 0)
        .misc(REACH + name, has ? reach : 0)
        .misc(SHARE + name, has ? 1.0 : 0.0);
  }

  private boolean fits(List<Tensor> others) {
    List<Tensor> variables = variables();
    return others.size() == variables.size()
        && IntStream.range(0, others.size())
            .allMatch(i -> Arrays.equals(variables.get(i).shape(), others.get(i).shape()));
  }

  private DualScales scales(Constraint constraint, ConstraintState observed) {
    long size = observed.violation().numel();
    boolean each =
        size <= MOST_ROWS && !constraint.multiplier().orElseThrow().expectsConstraintFeatures();
    return scales.computeIfAbsent(
        constraint.name().orElseThrow(), unused -> new DualScales(each ? (int) size : 1));
  }

  private static String name(String constraint, int rows, int row) {
    return constraint + (rows > 1 ? "[" + row + "]" : "");
  }

  /** Weights of rows: one alone, or all in the direction in which multipliers are about to go. */
  private static Tensor seed(Constraint constraint, ConstraintState observed, int rows, int row) {
    Tensor violation = observed.violation().detach();
    Tensor ones = torch.ones_like(violation);
    if (rows > 1) {
      Tensor seed = torch.zeros_like(violation).flatten();
      seed.select(0, row).fill_(new Scalar(1.0));
      return seed.reshape(violation.shape());
    }
    Tensor direction =
        constraint.constraintType() == ConstraintType.INEQUALITY ? violation.relu() : violation;
    double length = direction.norm().item_double();
    return violation.numel() > 1 && length > 0
        ? direction.div(new Scalar(length))
        : ones.div(new Scalar(Math.sqrt(violation.numel())));
  }

  /** Takes the measurements of a roll, averaged over its parts, into the means. */
  void take(CMPState state) {
    boolean measured = false;
    for (Map.Entry<String, DualScales> entry : scales.entrySet()) {
      int rows = entry.getValue().rows();
      for (int row = 0; row < rows; row++) {
        String name = name(entry.getKey(), rows, row);
        if (state.misc().get(UNIT + name) instanceof Number unit
            && state.misc().get(REACH + name) instanceof Number reach
            && state.misc().get(SHARE + name) instanceof Number share) {
          entry
              .getValue()
              .add(
                  row,
                  unit.doubleValue() / share.doubleValue(),
                  reach.doubleValue() / share.doubleValue());
          measured = true;
        }
      }
    }
    if (measured) {
      replaceBefore(List.of());
      turn = (turn + 1) % scales.values().stream().mapToInt(DualScales::rows).sum();
    }
  }

  /** Means, counts, and the variables where a step of theirs is still to be measured; copies. */
  Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("steps", steps);
    state.put("turn", turn);
    state.put("before", copies(before));
    Map<String, Object> each = new LinkedHashMap<>();
    scales.forEach((name, its) -> each.put(name, its.stateDict()));
    state.put("scales", each);
    return state;
  }

  /**
   * Takes what {@link #stateDict} gave.
   *
   * @throws IllegalArgumentException naming what does not fit; nothing has changed then
   */
  void loadStateDict(Map<String, ?> state) {
    long newSteps = 0;
    long newTurn = 0;
    List<?> newBefore = List.of();
    Map<String, DualScales> newScales = new LinkedHashMap<>();
    if (!state.isEmpty()) {
      newSteps = count(state, "steps");
      newTurn = count(state, "turn");
      newBefore = requireBefore(state.get("before"));
      if (!(state.get("scales") instanceof Map<?, ?> each)) {
        throw new IllegalArgumentException("scales: expected a dict, found " + state.get("scales"));
      }
      for (Map.Entry<?, ?> entry : each.entrySet()) {
        String name = String.valueOf(entry.getKey());
        if (!optimizer.cmp().namedConstraints().containsKey(name)) {
          throw new IllegalArgumentException(
              "scales."
                  + name
                  + ": no such constraint; there are "
                  + optimizer.cmp().namedConstraints().keySet());
        }
        try {
          newScales.put(name, DualScales.of(entry.getValue()));
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException("scales." + name + "." + e.getMessage(), e);
        }
      }
    }
    steps = newSteps;
    turn = newTurn;
    replaceBefore(copies(newBefore));
    scales = newScales;
  }

  private static long count(Map<String, ?> state, String key) {
    if (!(state.get(key) instanceof Number number) || number.longValue() < 0) {
      throw new IllegalArgumentException(
          key + ": expected a number of at least 0, found " + state.get(key));
    }
    return number.longValue();
  }

  private List<?> requireBefore(Object found) {
    if (!(found instanceof List<?> tensors)
        || !tensors.stream().allMatch(t -> t instanceof Tensor tensor && !tensor.isNull())) {
      throw new IllegalArgumentException("before: expected a list of tensors, found " + found);
    }
    try (PointerScope temporaries = new PointerScope()) {
      List<Tensor> variables = variables();
      if (!tensors.isEmpty() && tensors.size() != variables.size()) {
        throw new IllegalArgumentException(
            "before: expected " + variables.size() + " tensors, found " + tensors.size());
      }
      for (int i = 0; i < tensors.size(); i++) {
        Tensors.requireSameShape(variables.get(i), (Tensor) tensors.get(i), "before[" + i + "]");
      }
    }
    return tensors;
  }
}
