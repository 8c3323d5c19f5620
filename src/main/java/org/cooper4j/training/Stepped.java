package org.cooper4j.training;

import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.cooper4j.optim.LRScheduler;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.ScheduledValue;
import org.cooper4j.penalties.PenaltyCoefficientUpdater;

/**
 * Steps a schedule or a penalty updater, after every epoch or every n steps. Checkpoints have the
 * schedules' state; updaters have none beside the coefficients, which are the problem's.
 *
 * <pre>{@code
 * trainer.listen(Stepped.everyEpoch(scheduler), Stepped.everySteps(1, updater));
 * }</pre>
 */
public final class Stepped implements TrainingListener {
  private final long every; // 0 is once an epoch
  private final Object stepped;
  private final Consumer<RollOut> action;
  private final Supplier<Map<String, Object>> state;
  private final Consumer<Map<String, ?>> load;

  private Stepped(
      long every,
      Object stepped,
      Consumer<RollOut> action,
      Supplier<Map<String, Object>> state,
      Consumer<Map<String, ?>> load) {
    this.every = every;
    this.stepped = stepped;
    this.action = action;
    this.state = state;
    this.load = load;
  }

  /** A schedule of learning rates, after every epoch. */
  public static Stepped everyEpoch(LRScheduler scheduler) {
    return of(0, scheduler);
  }

  /** A scheduled value, such as a constraint's level, after every epoch. */
  public static Stepped everyEpoch(ScheduledValue value) {
    return of(0, value);
  }

  /** Penalty coefficients, by the last roll of every epoch. */
  public static Stepped everyEpoch(PenaltyCoefficientUpdater updater) {
    return of(0, updater);
  }

  /**
   * A schedule of learning rates, every n steps.
   *
   * @throws IllegalArgumentException as of all of these: if n is below 1
   */
  public static Stepped everySteps(long n, LRScheduler scheduler) {
    return of(Training.requireEvery(n), scheduler);
  }

  /** A scheduled value, every n steps. */
  public static Stepped everySteps(long n, ScheduledValue value) {
    return of(Training.requireEvery(n), value);
  }

  /** Penalty coefficients, by every n-th roll. */
  public static Stepped everySteps(long n, PenaltyCoefficientUpdater updater) {
    return of(Training.requireEvery(n), updater);
  }

  private static Stepped of(long every, LRScheduler scheduler) {
    return new Stepped(
        every,
        scheduler,
        rollOut -> scheduler.step(),
        scheduler::stateDict,
        scheduler::loadStateDict);
  }

  private static Stepped of(long every, ScheduledValue value) {
    return new Stepped(
        every, value, rollOut -> value.step(), value::stateDict, value::loadStateDict);
  }

  private static Stepped of(long every, PenaltyCoefficientUpdater updater) {
    Objects.requireNonNull(updater, "updater");
    return new Stepped(
        every,
        updater,
        rollOut -> updater.step(rollOut.cmpState().observedConstraints()),
        Map::of,
        unused -> {});
  }

  /** What is stepped, which two would do twice. */
  @Override
  public Set<?> claims() {
    return Set.of(stepped);
  }

  @Override
  public void step(Training training, RollOut rollOut) {
    if (every > 0 && training.step() % every == 0) {
      action.accept(rollOut);
    }
  }

  @Override
  public void epochEnd(Training training) {
    if (every == 0) {
      training.rollOut().ifPresent(action);
    }
  }

  @Override
  public Map<String, Object> stateDict() {
    return state.get();
  }

  @Override
  public void loadStateDict(Map<String, ?> saved) {
    load.accept(saved);
  }
}
