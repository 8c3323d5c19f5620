package org.cooper4j.optim;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A number that follows a {@link Schedule}, such as the level of a constraint that is tightened
 * during training: read {@link #value()} in {@code computeCMPState}, call {@link #step()} once an
 * epoch, save {@link #stateDict()} with the checkpoint.
 */
public final class ScheduledValue {
  private final double base;
  private final Schedule schedule;
  private long step;

  /**
   * Starts at {@code schedule.at(base, 0)}.
   *
   * @throws IllegalArgumentException if the base, or the value at the start, is NaN or infinite
   */
  public ScheduledValue(double base, Schedule schedule) {
    if (!Double.isFinite(base)) {
      throw new IllegalArgumentException("base is " + base + "; it must be finite");
    }
    this.base = base;
    this.schedule = Objects.requireNonNull(schedule, "schedule");
    at(0);
  }

  /** The current value, a finite one. */
  public double value() {
    return at(step);
  }

  /**
   * Goes on by one step.
   *
   * @throws IllegalArgumentException if the schedule gives NaN or infinity then; the value stays
   */
  public void step() {
    long next = Math.incrementExact(step);
    at(next);
    step = next;
  }

  private double at(long step) {
    return finite(schedule.at(base, step), base, step);
  }

  static double finite(double value, double base, long step) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(
          "the schedule gives "
              + value
              + " for base "
              + base
              + " and step "
              + step
              + "; it must give finite values");
    }
    return value;
  }

  /** {@code {"last_epoch": step}}. */
  public Map<String, Object> stateDict() {
    return new LinkedHashMap<>(Map.of("last_epoch", step));
  }

  /**
   * Goes on from a state.
   *
   * @throws IllegalArgumentException if it has no step of at least 0; the value stays
   */
  public void loadStateDict(Map<String, ?> state) {
    long last = lastEpoch(state);
    at(last);
    step = last;
  }

  static long lastEpoch(Map<String, ?> state) {
    Object last = state.get("last_epoch");
    if (!(last instanceof Long || last instanceof Integer) || ((Number) last).longValue() < 0) {
      throw new IllegalArgumentException(
          "last_epoch: expected an int of at least 0, found " + last);
    }
    return ((Number) last).longValue();
  }
}
