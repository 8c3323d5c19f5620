package org.cooper4j.training;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.optim.RollOut;

/**
 * Keeps the best feasible iterate, and at the end puts modules, variables and multipliers back to
 * it. Best is what {@link org.cooper4j.optim.Candidates} ranks first: among feasible iterates the
 * one with the lowest loss, without any the one that violates least; of equal ones the latest.
 *
 * <p>Optimizers, and what listeners remember, stay those of the last step. A checkpoint is of the
 * last step, too, and holds the best iterate beside it.
 */
public final class BestFeasible implements TrainingListener {
  private final Source source;
  private double tolerance;
  private long every = 1;

  private Point best;
  private long bestStep;
  private Map<String, Object> bestState;

  /** What the next roll evaluates. */
  private Map<String, Object> pending;

  /**
   * Judges by the rolls' own numbers, which are of the variables before each step. Of mini-batches
   * these are noisy: give a {@link Validation}'s name then. The variables are copied in every step,
   * or see {@link #everySteps}. An optimizer that extrapolates evaluates another point than the
   * variables are at; judge it by a validation.
   */
  public BestFeasible() {
    source = new Source();
  }

  /**
   * Judges by what the {@link Validation} of that name measures; copies when it is better.
   *
   * @throws IllegalArgumentException if the name is blank
   */
  public BestFeasible(String validation) {
    source = new Source(Validation.requireName(validation));
  }

  /**
   * How far a constraint may be violated and count as feasible; 0 unless set.
   *
   * @throws IllegalArgumentException if it is negative, NaN or infinite
   */
  public BestFeasible tolerance(double newTolerance) {
    tolerance = Point.requireTolerance(newTolerance);
    return this;
  }

  /**
   * Judges every n-th step alone.
   *
   * @throws IllegalArgumentException if n is below 1
   */
  public BestFeasible everySteps(long n) {
    every = Training.requireEvery(n);
    return this;
  }

  /** The step after which the variables were best; empty if there was nothing to judge. */
  public OptionalLong step() {
    return best == null ? OptionalLong.empty() : OptionalLong.of(bestStep);
  }

  /** The best iterate's loss. */
  public OptionalDouble loss() {
    return best == null ? OptionalDouble.empty() : OptionalDouble.of(best.objective());
  }

  /** By how much the best iterate violates its constraints beyond the tolerance; 0 if feasible. */
  public OptionalDouble violation() {
    return best == null ? OptionalDouble.empty() : OptionalDouble.of(best.violation());
  }

  @Override
  public Set<String> claims() {
    return Set.of("what is put back at the end");
  }

  @Override
  public void start(Training training) {
    training.variables().stateDict(); // says now if a variable has no name
    copyForNext(training);
  }

  @Override
  public void step(Training training, RollOut rollOut) {
    if (!source.isRolls()) {
      return;
    }
    if (pending != null) {
      Map<String, Object> rolled = pending;
      pending = null;
      Point.of(training.numbers(), source.name, tolerance)
          .filter(this::isBest)
          .ifPresent(point -> keep(point, training.step() - 1, rolled));
    }
    copyForNext(training);
  }

  private void copyForNext(Training training) {
    if (source.isRolls() && (training.step() + 1) % every == 0) {
      pending = StateDict.copyOf(training.variables().stateDict());
    }
  }

  @Override
  public void numbers(Training training, Map<String, Double> numbers) {
    if (!source.isRolls()) {
      source.hear(numbers);
      Point.of(numbers, source.name, tolerance)
          .filter(this::isBest)
          .ifPresent(
              point ->
                  keep(point, training.step(), StateDict.copyOf(training.variables().stateDict())));
    }
  }

  private boolean isBest(Point point) {
    return best == null || point.isBetterThan(best);
  }

  private void keep(Point point, long step, Map<String, Object> state) {
    best = point;
    bestStep = step;
    bestState = state;
  }

  /**
   * Puts the best iterate back.
   *
   * @throws IllegalStateException if no validation of its name measured in a whole epoch
   */
  @Override
  public void end(Training training) {
    pending = null;
    if (best != null) {
      training.variables().load(bestState);
    } else if (training.epoch() > 0) {
      source.requireHeard(this, training.listeners());
    }
  }

  @Override
  public Map<String, Object> stateDict() {
    if (best == null) {
      return Map.of();
    }
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("step", bestStep);
    state.put("loss", best.objective());
    state.put("violation", best.violation());
    state.put("state", bestState);
    return state;
  }

  @Override
  @SuppressWarnings("unchecked")
  public void loadStateDict(Map<String, ?> state) {
    if (!(state.get("step") instanceof Long step)
        || !(state.get("loss") instanceof Double loss)
        || !(state.get("violation") instanceof Double violation)
        || !(state.get("state") instanceof Map<?, ?> variables)) {
      throw new IllegalArgumentException(
          "expected step, loss, violation and state, found " + state.keySet());
    }
    keep(new Point(loss, violation), step, (Map<String, Object>) variables);
  }
}
