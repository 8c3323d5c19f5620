package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
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
import org.cooper4j.multipliers.ExplicitMultiplier;
import org.cooper4j.multipliers.Multiplier;

/**
 * Measures constraints' units and reaches for {@link DualRates}, one row of one constraint in turn,
 * and all those of which nothing is known yet.
 */
final class DualMeter {
  /** One of so many steps is measured. */
  static final int EVERY = 10;

  private static final int MOST_ROWS = 16;
  private static final double MOST_GAIN = 8; // of all rows together, if they pull alike
  private static final List<String> KEYS = List.of("steps", "turn", "before", "scales");
  private static final String UNIT = "dual_unit/";
  private static final String REACH = "dual_reach/";
  private static final String SHARE = "dual_share/"; // of the roll's parts, which had a gradient

  private final ConstrainedOptimizer<?> optimizer;
  private Map<String, DualScales> scales = new LinkedHashMap<>();
  private long steps;
  private long turn; // the row that is measured next, counted through all of the scales
  private long last; // the one that this roll measured in turn
  private List<Tensor> before = List.of(); // the variables, from a step until it is measured

  DualMeter(ConstrainedOptimizer<?> optimizer) {
    this.optimizer = optimizer;
  }

  /** Those of the constraints that have been measured, by name. */
  Map<String, DualScales> scales() {
    return scales;
  }

  /**
   * Keeps the variables before a step that is measured: one in ten, or a later one that observes
   * the row whose turn it is; and every one, until all rows that were seen have had a gradient.
   */
  void beforePrimalStep() {
    boolean due = steps++ % EVERY == 0 || !before.isEmpty();
    if (due || !scales.values().stream().allMatch(DualScales::knowsAll)) {
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

  /** Copies on the variables' devices. */
  private List<Tensor> beside(List<?> tensors) {
    try (PointerScope temporaries = new PointerScope()) {
      List<Tensor> variables = tensors.isEmpty() ? List.of() : variables();
      return IntStream.range(0, tensors.size())
          .mapToObj(
              i -> {
                Tensor found = ((Tensor) tensors.get(i)).detach();
                return Tensors.keep(
                    found.to(variables.get(i).device(), found.scalar_type()).clone());
              })
          .toList();
    }
  }

  /** Measures the last primal step, if it is one to measure, into a state's misc. */
  void evaluated(CMPState state) {
    if (state.loss().isEmpty()) {
      return;
    }
    notice(state);
    if (before.isEmpty()) {
      return;
    }
    // There is nothing to wait for yet, or a variable was frozen, or unfrozen, since.
    if (scales.isEmpty() || !fits(before)) {
      replaceBefore(List.of());
      return;
    }
    try (PointerScope temporaries = new PointerScope()) {
      List<Row> rows = rows(state);
      last = inTurn(rows);
      if (isWaiting(rows)) {
        return;
      }
      Slopes slopes = null;
      for (Row row : rows) {
        boolean known = row.its().knows(row.index());
        if (!known || row.place() == last) {
          if (slopes == null) {
            slopes = new Slopes(variables(), before, state.loss().get());
          }
          slopes.turnTo(row.observed().violation(), seed(row));
          put(
              state,
              name(row.constraint().name().orElseThrow(), row.its().rows(), row.index()),
              slopes.unit(known ? Double.NaN : slopes.inverse()),
              slopes.reach());
        }
      }
    }
  }

  /** A row that a state observes; its place is counted through all of the scales. */
  private record Row(
      Constraint constraint, ConstraintState observed, DualScales its, int index, long place) {}

  /** A constraint that was not seen before is one to measure, whatever steps observe it. */
  private void notice(CMPState state) {
    state
        .observedConstraints()
        .forEach(
            (constraint, observed) -> {
              if (isMeasurable(constraint, observed)) {
                scales.computeIfAbsent(
                    constraint.name().orElseThrow(), unused -> new DualScales(rows(constraint)));
              }
            });
  }

  private List<Row> rows(CMPState state) {
    List<Row> rows = new ArrayList<>();
    long place = 0;
    for (Map.Entry<String, DualScales> entry : scales.entrySet()) {
      Constraint constraint = optimizer.cmp().namedConstraints().get(entry.getKey());
      ConstraintState observed = state.observedConstraints().get(constraint);
      boolean has = observed != null && isMeasurable(constraint, observed);
      for (int row = 0; row < entry.getValue().rows(); row++, place++) {
        if (has) {
          rows.add(new Row(constraint, observed, entry.getValue(), row, place));
        }
      }
    }
    return rows;
  }

  private static boolean isMeasurable(Constraint constraint, ConstraintState observed) {
    return DualRates.isServed(constraint)
        && observed.contributesToPrimalUpdate()
        && observed.violation().requires_grad()
        // What does not fit the multiplier is for the roll to refuse.
        && (rows(constraint) <= 1 || observed.violation().numel() == rows(constraint));
  }

  /** How many units a constraint has. */
  private static int rows(Constraint constraint) {
    Multiplier multiplier = constraint.multiplier().orElseThrow();
    long size = ((ExplicitMultiplier) multiplier).weight().numel();
    return size <= MOST_ROWS && !multiplier.expectsConstraintFeatures() ? (int) size : 1;
  }

  /** How many times its unit a constraint that is observed rarely may pull. */
  double mostTimes() {
    long pulling = 0;
    for (Map.Entry<String, DualScales> entry : scales.entrySet()) {
      Multiplier multiplier =
          optimizer.cmp().namedConstraints().get(entry.getKey()).multiplier().orElseThrow();
      pulling +=
          multiplier.expectsConstraintFeatures()
              ? ((ExplicitMultiplier) multiplier).weight().numel()
              : entry.getValue().rows();
    }
    return Math.max(1, MOST_GAIN / pulling);
  }

  private long places() {
    return scales.values().stream().mapToInt(DualScales::rows).sum();
  }

  /** Whether the row whose turn it is may yet be observed before the next step that is due. */
  private boolean isWaiting(List<Row> rows) {
    return steps % EVERY != 0
        && Math.floorMod(last - turn, Math.max(1, places())) != 0
        && rows.stream().allMatch(row -> row.its().knows(row.index()));
  }

  /** The place of the next of these rows. */
  private long inTurn(List<Row> rows) {
    long size = places();
    return rows.stream()
        .map(Row::place)
        .min(Comparator.comparing(place -> Math.floorMod(place - turn, size)))
        .orElse(turn);
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

  private static String name(String constraint, int rows, int row) {
    return constraint + (rows > 1 ? "[" + row + "]" : "");
  }

  /** Weights of rows: one alone, or all in the direction in which multipliers are about to go. */
  private static Tensor seed(Row row) {
    Tensor violation = row.observed().violation().detach();
    if (row.its().rows() > 1) {
      Tensor seed = torch.zeros_like(violation).flatten();
      seed.select(0, row.index()).fill_(new Scalar(1.0));
      return seed.reshape(violation.shape());
    }
    Tensor ones = torch.ones_like(violation);
    Tensor direction =
        row.constraint().constraintType() == ConstraintType.INEQUALITY
            ? violation.relu()
            : violation;
    double length = direction.norm().item_double();
    return violation.numel() > 1 && length > 0
        ? direction.div(new Scalar(length))
        : ones.div(new Scalar(Math.sqrt(violation.numel())));
  }

  /** Takes the measurements of a roll, averaged over its parts, into the means. */
  void take(CMPState state) {
    state
        .observedConstraints()
        .forEach(
            (constraint, observed) -> {
              DualScales its = constraint.name().map(scales::get).orElse(null);
              if (its != null && observed.contributesToPrimalUpdate()) {
                its.pulls(steps);
              }
            });
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
      turn = last + 1;
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
      DualScales.requireKeys(state, KEYS);
      newSteps = DualScales.count(state, "steps");
      newTurn = DualScales.count(state, "turn");
      newBefore = requireBefore(state.get("before"));
      if (!(state.get("scales") instanceof Map<?, ?> each)) {
        throw new IllegalArgumentException("scales: expected a dict, found " + state.get("scales"));
      }
      for (Map.Entry<?, ?> entry : each.entrySet()) {
        String name = String.valueOf(entry.getKey());
        Constraint constraint = optimizer.cmp().namedConstraints().get(name);
        if (constraint == null || !DualRates.isServed(constraint)) {
          throw new IllegalArgumentException(
              "scales."
                  + name
                  + ": no such constraint; there are "
                  + optimizer.cmp().namedConstraints().keySet());
        }
        try {
          newScales.put(name, DualScales.of(entry.getValue(), rows(constraint)));
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException("scales." + name + "." + e.getMessage(), e);
        }
      }
    }
    steps = newSteps;
    turn = newTurn;
    replaceBefore(beside(newBefore));
    scales = newScales;
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
        requireLike(variables.get(i), (Tensor) tensors.get(i), "before[" + i + "]");
      }
    }
    return tensors;
  }

  private static void requireLike(Tensor variable, Tensor found, String what) {
    Tensors.requireTensor(found, what);
    if (!Tensors.dtype(variable).equals(Tensors.dtype(found)) || !Tensors.isDense(found)) {
      throw new IllegalArgumentException(
          what
              + ": expected "
              + Tensors.describe(variable)
              + ", as the variable, found "
              + Tensors.describe(found)
              + (Tensors.isDense(found) ? "" : ", sparse"));
    }
    Tensors.requireSameShape(variable, found, what);
    Tensors.requireValues(found, false, what);
  }
}
