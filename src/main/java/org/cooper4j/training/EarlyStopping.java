package org.cooper4j.training;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.optim.Diagnostics;
import org.cooper4j.optim.RollOut;

/**
 * Stops a run early: near a KKT point, when feasible iterates get no better, or when you say so. A
 * run that it stopped stays stopped when it is resumed.
 *
 * <pre>{@code
 * trainer.listen(EarlyStopping.kktResidual(1e-4), EarlyStopping.feasiblePlateau(5).of("validation"));
 * }</pre>
 */
public final class EarlyStopping implements TrainingListener {
  private final Predicate<Training> when;
  private final String reason;
  private final long patience;
  private Source source = new Source();
  private double minDelta;
  private double tolerance;
  private long every = 1;

  private double tightestResidual;
  private Diagnostics diagnostics;

  private Point best;
  private long waited;
  private String stopped;

  private EarlyStopping(Predicate<Training> when, String reason, long patience) {
    this.when = when;
    this.reason = Objects.requireNonNull(reason, "reason");
    this.patience = patience;
  }

  /** Stops with that reason when the condition holds after a step. */
  public static EarlyStopping when(Predicate<Training> condition, String reason) {
    return new EarlyStopping(Objects.requireNonNull(condition, "condition"), reason, 0);
  }

  /**
   * Stops when stationarity, infeasibility and complementarity of a roll are all at most that; see
   * {@link Diagnostics.Report#kktResidual()}.
   *
   * @throws IllegalArgumentException if the residual is not above 0
   */
  public static EarlyStopping kktResidual(double residual) {
    if (!(residual > 0)) {
      throw new IllegalArgumentException("the KKT residual is " + residual + "; it must be > 0");
    }
    EarlyStopping stopping = new EarlyStopping(null, "the KKT residual is at most " + residual, 0);
    stopping.tightestResidual = residual;
    return stopping;
  }

  /**
   * Stops when a feasible iterate was seen, and so many after it were not feasible with a loss
   * lower by more than {@link #minDelta}. Judged are rolls, or a validation's numbers with {@link
   * #of}.
   *
   * @throws IllegalArgumentException if the patience is below 1
   */
  public static EarlyStopping feasiblePlateau(long patience) {
    if (patience < 1) {
      throw new IllegalArgumentException("patience is " + patience + "; it must be at least 1");
    }
    return new EarlyStopping(null, "no better feasible iterate in " + patience, patience);
  }

  /**
   * Judges a plateau by what the {@link Validation} of that name measures.
   *
   * @throws IllegalArgumentException if the name is blank
   */
  public EarlyStopping of(String validation) {
    source = new Source(Validation.requireName(validation));
    return this;
  }

  /**
   * What counts as a better loss in a plateau; 0 unless set.
   *
   * @throws IllegalArgumentException if it is negative, NaN or infinite
   */
  public EarlyStopping minDelta(double delta) {
    minDelta = Point.requireTolerance(delta);
    return this;
  }

  /**
   * How far a constraint may be violated and count as feasible in a plateau; 0 unless set.
   *
   * @throws IllegalArgumentException if it is negative, NaN or infinite
   */
  public EarlyStopping tolerance(double newTolerance) {
    tolerance = Point.requireTolerance(newTolerance);
    return this;
  }

  /**
   * Looks at every n-th step alone.
   *
   * @throws IllegalArgumentException if n is below 1
   */
  public EarlyStopping everySteps(long n) {
    every = Training.requireEvery(n);
    return this;
  }

  @Override
  public void start(Training training) {
    if (stopped != null) {
      training.stop(stopped);
    }
    if (tightestResidual > 0) {
      List<Tensor> primal = new ArrayList<>();
      training.variables().forEachPrimal(primal::add);
      diagnostics = new Diagnostics(primal, 4);
    }
  }

  @Override
  public void step(Training training, RollOut rollOut) {
    if (training.step() % every != 0) {
      return;
    }
    if (patience > 0) {
      if (source.isRolls()) {
        judge(training, training.numbers());
      }
    } else if (diagnostics == null
        ? when.test(training)
        : diagnostics.update(rollOut).kktResidual() <= tightestResidual) {
      stop(training);
    }
  }

  @Override
  public void numbers(Training training, Map<String, Double> numbers) {
    if (patience > 0 && !source.isRolls()) {
      source.hear(numbers);
      judge(training, numbers);
    }
  }

  /**
   * Refuses a plateau of what nobody measures.
   *
   * @throws IllegalStateException if no validation of its name measured in a whole epoch
   */
  @Override
  public void end(Training training) {
    if (patience > 0 && best == null && training.epoch() > 0) {
      source.requireHeard(this, training.listeners());
    }
  }

  private void judge(Training training, Map<String, Double> numbers) {
    Point point = Point.of(numbers, source.name, tolerance).orElse(null);
    if (point == null) {
      return;
    }
    if (point.isFeasible() && (best == null || point.objective() < best.objective() - minDelta)) {
      best = point;
      waited = 0;
    } else if (best != null && ++waited >= patience) {
      stop(training);
    }
  }

  private void stop(Training training) {
    stopped = reason;
    training.stop(reason);
  }

  @Override
  public Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("best", best == null ? null : best.objective());
    state.put("wait", waited);
    state.put("stopped", stopped);
    return state;
  }

  @Override
  public void loadStateDict(Map<String, ?> state) {
    if (!(state.get("wait") instanceof Long wait)
        || !(state.get("best") == null || state.get("best") instanceof Double)
        || !(state.get("stopped") == null || state.get("stopped") instanceof String)) {
      throw new IllegalArgumentException("expected best, wait and stopped, found " + state);
    }
    best = state.get("best") == null ? null : new Point((Double) state.get("best"), 0);
    waited = wait;
    stopped = (String) state.get("stopped");
  }
}
