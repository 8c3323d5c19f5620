package org.cooper4j.optim;

import java.nio.DoubleBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.internal.Tensors;

/**
 * Watches a run: how far from a KKT point it is, and whether its multipliers swing or run away.
 *
 * <p>Each entry of a constraint is followed for itself: by its index where the state has int64
 * constraint features, else by its place. Of a violation with more than 1000 entries, up to 1000
 * that lie evenly are; of one with other features, such as an implicit multiplier's, the mean is.
 *
 * <p>Every {@link #update} reads all that it needs at once, which waits for a CUDA device; call it
 * as often as you log.
 */
public final class Diagnostics {
  /**
   * One step. The KKT residual is 0 at a solution; it is the largest of the three before it.
   *
   * @param stationarity max |∇ₓL| over the given primal variables
   * @param infeasibility max over constraints of max(0, g) or |h|
   * @param complementarity max |λ g| over inequalities
   * @param oscillating names of constraints whose violation swings about 0 and does not die out:
   *     its latest swings, at least four, are alike in length, whatever that is, and keep or raise
   *     their energy; noise and damped swings do not count. Smaller dual steps, an augmented
   *     Lagrangian, nuPI or extragradient damp this
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

  private static final int MOST_ENTRIES = 1000;

  private final List<Tensor> primal;
  private final int window;
  private final Map<Constraint, Map<Long, Entry>> history = new HashMap<>();

  // Of the present update.
  private double infeasibility;
  private double complementarity;

  /**
   * A watch.
   *
   * @param primal the primal variables, whose gradients a roll leaves behind
   * @param window how many steps infeasibility looks back over, at least 4; swings are found at any
   *     length
   * @throws IllegalArgumentException if the window is shorter, or a variable was released
   */
  public Diagnostics(List<Tensor> primal, int window) {
    if (window < 4) {
      throw new IllegalArgumentException("window is " + window + "; expected at least 4 steps");
    }
    this.primal = List.copyOf(primal);
    this.window = window;
    requirePrimal();
  }

  private void requirePrimal() {
    for (int i = 0; i < primal.size(); i++) {
      Tensors.requireTensor(primal.get(i), "primal variable " + i);
    }
  }

  /**
   * What {@link #observe} appended of one constraint.
   *
   * @param whole whether every entry is followed; if not, the largest of all come first
   * @param rows whether the entries' indices come after them
   * @param multiplier whether the multiplier's values come last
   */
  private record Observed(
      Constraint constraint, int entries, boolean whole, boolean rows, boolean multiplier) {
    boolean inequality() {
      return constraint.constraintType() == ConstraintType.INEQUALITY;
    }
  }

  /**
   * Looks at the roll that was just made; call it before the next one.
   *
   * @throws IllegalStateException after the next roll
   */
  public Report update(RollOut rollOut) {
    requirePrimal();
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      List<Tensor> read = new ArrayList<>();
      for (Tensor variable : primal) {
        Tensor grad = variable.grad();
        if (grad.defined() && grad.numel() > 0) {
          read.add((grad.is_sparse() ? grad.coalesce()._values() : grad).abs().max());
        }
      }
      int gradients = read.size();
      Map<Constraint, Tensor> multipliers = rollOut.dualLagrangianStore().multiplierValues();
      List<Observed> observations = new ArrayList<>();
      rollOut
          .cmpState()
          .observedConstraints()
          .forEach(
              (constraint, state) -> {
                Tensor violation = state.strictViolation().orElse(state.violation());
                if (violation.isNull()) {
                  throw new IllegalStateException(
                      "this RollOut was released by the next roll; call update before it");
                }
                if (violation.numel() > 0) {
                  observations.add(
                      observe(constraint, state, violation, multipliers.get(constraint), read));
                }
              });
      DoubleBuffer values = DoubleBuffer.wrap(values(read));
      double stationarity = 0;
      for (int i = 0; i < gradients; i++) {
        stationarity = Math.max(stationarity, values.get());
      }
      infeasibility = 0;
      complementarity = 0;
      observations.forEach(observed -> remember(observed, values));
      return new Report(
          stationarity,
          infeasibility,
          complementarity,
          names(entry -> entry.swings.areGoingOn()),
          names(entry -> entry.stuck));
    }
  }

  /** Appends to {@code read} what {@link #remember} takes from it, in that order. */
  private static Observed observe(
      Constraint constraint,
      ConstraintState state,
      Tensor violation,
      Tensor multiplier,
      List<Tensor> read) {
    boolean inequality = constraint.constraintType() == ConstraintType.INEQUALITY;
    Tensor features = state.strictConstraintFeatures().or(state::constraintFeatures).orElse(null);
    boolean rows =
        features != null
            && features.scalar_type().intern() == ScalarType.Long
            && features.numel() == violation.numel();
    boolean mean = features != null && !rows;
    boolean whole = !mean && violation.numel() <= MOST_ENTRIES;
    if (!whole) {
      read.add((inequality ? violation.relu() : violation.abs()).max());
      if (inequality && multiplier != null) {
        read.add(multiplier.flatten().mul(violation.flatten()).abs().max());
      }
    }
    Tensor followed = mean ? violation.mean() : followed(violation);
    int entries = (int) followed.numel();
    read.add(followed);
    if (rows) {
      read.add(followed(features).to(ScalarType.Double));
    }
    if (multiplier != null) {
      read.add(mean ? multiplier.mean() : followed(multiplier));
    }
    return new Observed(constraint, entries, whole, rows, multiplier != null);
  }

  private static Tensor followed(Tensor tensor) {
    long n = tensor.numel();
    return n <= MOST_ENTRIES
        ? tensor
        : tensor
            .flatten()
            .slice(0, new LongOptional(0), new LongOptional(n), 1 + (n - 1) / MOST_ENTRIES);
  }

  /** One read, of the first one's device. */
  private static double[] values(List<Tensor> tensors) {
    if (tensors.isEmpty()) {
      return new double[0];
    }
    Tensor first = tensors.get(0);
    TensorVector parts = new TensorVector();
    for (Tensor tensor : tensors) {
      Tensor near =
          first.is_cpu() && tensor.is_cpu()
              ? tensor
              : tensor.to(first.device(), tensor.scalar_type());
      parts.push_back(near.dim() == 1 ? near : near.flatten());
    }
    Tensor all = torch.cat(parts).to(new Device("cpu"), ScalarType.Double);
    double[] values = new double[(int) all.numel()];
    all.data_ptr_double().get(values);
    return values;
  }

  private void remember(Observed observed, DoubleBuffer values) {
    int n = observed.entries();
    boolean slack = observed.inequality() && observed.multiplier();
    if (!observed.whole()) {
      infeasibility = Math.max(infeasibility, values.get());
      complementarity = slack ? Math.max(complementarity, values.get()) : complementarity;
    }
    double[] violations = next(values, n);
    double[] rows = observed.rows() ? next(values, n) : null;
    double[] multipliers = observed.multiplier() ? next(values, n) : new double[n];
    Map<Long, Entry> entries =
        history.computeIfAbsent(observed.constraint(), unused -> new HashMap<>());
    for (int i = 0; i < n; i++) {
      double violation = violations[i];
      if (observed.whole()) {
        double violated = observed.inequality() ? violation : Math.abs(violation);
        infeasibility = Math.max(infeasibility, violated);
        if (slack) {
          complementarity = Math.max(complementarity, Math.abs(multipliers[i] * violation));
        }
      }
      long key = rows == null ? i : (long) rows[i];
      if (entries.size() < MOST_ENTRIES) {
        entries.computeIfAbsent(key, unused -> new Entry());
      }
      Entry entry = entries.get(key);
      if (entry != null) {
        entry.observe(violation, Math.abs(multipliers[i]), observed.inequality(), window);
      }
    }
  }

  private static double[] next(DoubleBuffer values, int n) {
    double[] next = new double[n];
    values.get(next);
    return next;
  }

  private List<String> names(Predicate<Entry> holds) {
    return history.entrySet().stream()
        .filter(entry -> entry.getValue().values().stream().anyMatch(holds))
        .map(entry -> entry.getKey().name().orElse("?"))
        .sorted()
        .toList();
  }

  /** What is known of one entry of a constraint. */
  private static final class Entry {
    final Swings swings = new Swings();

    /** Whether it was violated throughout a window, no less at its end, and its multiplier grew. */
    boolean stuck;

    private double violation;
    private double multiplier;
    private int streak;
    private double earlier;
    private double later;

    void observe(double newViolation, double newMultiplier, boolean inequality, int window) {
      swings.observe(newViolation);
      boolean violated = inequality ? newViolation > 0 : newViolation != 0;
      if (!violated || newViolation * violation <= 0 || newMultiplier <= multiplier) {
        stuck = false;
        restart();
      }
      violation = newViolation;
      multiplier = newMultiplier;
      if (!violated) {
        return;
      }
      streak++;
      if (streak <= window / 2) {
        earlier += Math.abs(newViolation);
      } else if (streak > window - window / 2) {
        later += Math.abs(newViolation);
      }
      if (streak == window) {
        // Half a window lies between the means of both halves: 1 % a window.
        stuck = later >= 0.995 * earlier;
        restart();
      }
    }

    private void restart() {
      streak = 0;
      earlier = 0;
      later = 0;
    }
  }
}
