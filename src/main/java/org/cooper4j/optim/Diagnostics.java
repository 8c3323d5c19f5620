package org.cooper4j.optim;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;

/**
 * Watches a run: how far from a KKT point it is, and whether its multipliers swing or run away.
 * Every {@link #update} reads values, which waits for a CUDA device; call it as often as you log.
 */
public final class Diagnostics {
  /**
   * One step. The KKT residual is 0 at a solution; it is the largest of the three before it.
   *
   * @param stationarity max |∇ₓL| over the given primal variables
   * @param infeasibility max over constraints of max(0, g) or |h|
   * @param complementarity max |λ g| over inequalities
   * @param oscillating names of constraints whose violation changed its sign in a quarter or more
   *     of the window's steps, by no less at its end: smaller dual steps, an augmented Lagrangian,
   *     nuPI or extragradient damp this
   * @param infeasible names of constraints violated throughout the window, and not less and less,
   *     while their multipliers grew in every step: their level may be out of reach
   */
  public record Report(
      double stationarity,
      double infeasibility,
      double complementarity,
      List<String> oscillating,
      List<String> infeasible) {
    /** The largest of stationarity, infeasibility and complementarity. */
    public double kktResidual() {
      return Math.max(stationarity, Math.max(infeasibility, complementarity));
    }
  }

  /**
   * What the window remembers of a constraint: its largest signed violation, its multipliers' sum.
   */
  private record Observation(double violation, double multiplier) {}

  private final Iterable<Tensor> primal;
  private final int window;
  private final Map<Constraint, Deque<Observation>> history = new HashMap<>();

  /**
   * A watch.
   *
   * @param primal the primal variables, whose gradients a roll leaves behind
   * @param window how many steps oscillation and infeasibility look back over, at least 4
   */
  public Diagnostics(List<Tensor> primal, int window) {
    if (window < 4) {
      throw new IllegalArgumentException("window is " + window + "; expected at least 4 steps");
    }
    this.primal = List.copyOf(primal);
    this.window = window;
  }

  /** Looks at the roll that was just made; call it before the next one. */
  public Report update(RollOut rollOut) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      double infeasibility = 0;
      double complementarity = 0;
      Map<Constraint, Tensor> multipliers = rollOut.dualLagrangianStore().multiplierValues();
      for (var observed : rollOut.cmpState().observedConstraints().entrySet()) {
        Constraint constraint = observed.getKey();
        ConstraintState state = observed.getValue();
        Tensor violation = state.strictViolation().orElse(state.violation()).detach().flatten();
        boolean inequality = constraint.constraintType() == ConstraintType.INEQUALITY;
        Tensor violated = inequality ? violation.relu() : violation.abs();
        infeasibility = Math.max(infeasibility, largest(violated));
        Tensor multiplier = multipliers.get(constraint);
        if (inequality && multiplier != null) {
          complementarity = Math.max(complementarity, largest(multiplier.mul(violation).abs()));
        }
        remember(constraint, violation, multiplier);
      }
      return new Report(
          stationarity(),
          infeasibility,
          complementarity,
          names(Diagnostics::oscillates),
          names(Diagnostics::runsAway));
    }
  }

  private double stationarity() {
    double largest = 0;
    for (Tensor variable : primal) {
      if (variable.grad().defined()) {
        largest = Math.max(largest, largest(variable.grad().abs()));
      }
    }
    return largest;
  }

  private static double largest(Tensor values) {
    return values.numel() == 0 ? 0 : values.max().item_double();
  }

  private void remember(Constraint constraint, Tensor violation, Tensor multiplier) {
    Deque<Observation> past = history.computeIfAbsent(constraint, unused -> new ArrayDeque<>());
    if (past.size() == window) {
      past.removeFirst();
    }
    // The entry furthest from 0 stands for a vector of constraints.
    Tensor furthest = violation.index_select(0, violation.abs().argmax().unsqueeze(0));
    past.addLast(
        new Observation(
            furthest.sum().item_double(),
            multiplier == null ? 0 : multiplier.abs().sum().item_double()));
  }

  private List<String> names(Predicate<List<Observation>> holds) {
    return history.entrySet().stream()
        .filter(entry -> entry.getValue().size() == window)
        .filter(entry -> holds.test(List.copyOf(entry.getValue())))
        .map(entry -> entry.getKey().name().orElse("?"))
        .sorted()
        .toList();
  }

  private static boolean oscillates(List<Observation> past) {
    int half = past.size() / 2;
    int changes = 0;
    for (int i = 1; i < past.size(); i++) {
      changes += past.get(i).violation() * past.get(i - 1).violation() < 0 ? 1 : 0;
    }
    return 4 * changes >= past.size()
        && amplitude(past.subList(half, past.size())) >= 0.9 * amplitude(past.subList(0, half));
  }

  private static double amplitude(List<Observation> past) {
    return past.stream().mapToDouble(seen -> Math.abs(seen.violation())).max().orElse(0);
  }

  private static boolean runsAway(List<Observation> past) {
    for (int i = 1; i < past.size(); i++) {
      if (past.get(i).violation() == 0
          || past.get(i).multiplier() <= past.get(i - 1).multiplier()) {
        return false;
      }
    }
    double first = Math.abs(past.get(0).violation());
    double last = Math.abs(past.get(past.size() - 1).violation());
    return past.stream().noneMatch(seen -> seen.violation() * past.get(0).violation() <= 0)
        && last >= 0.99 * first;
  }
}
