package org.cooper4j.optim;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A number that follows a {@link Schedule}, such as the level of a constraint that is tightened
 * during training: read {@link #value()} in {@code computeCMPState}, call {@link #step()} once an
 * epoch, save {@link #stateDict()} with the checkpoint.
 */
public final class ScheduledValue {
  private final double base;
  private final Schedule schedule;
  private long step;

  /** Starts at {@code schedule.at(base, 0)}. */
  public ScheduledValue(double base, Schedule schedule) {
    this.base = base;
    this.schedule = schedule;
  }

  /** The current value. */
  public double value() {
    return schedule.at(base, step);
  }

  /** Goes on by one step. */
  public void step() {
    step++;
  }

  /** {@code {"last_epoch": step}}. */
  public Map<String, Object> stateDict() {
    return new LinkedHashMap<>(Map.of("last_epoch", step));
  }

  /**
   * Goes on from a state.
   *
   * @throws IllegalArgumentException if it has no step of at least 0
   */
  public void loadStateDict(Map<String, ?> state) {
    step = lastEpoch(state);
  }

  static long lastEpoch(Map<String, ?> state) {
    if (!(state.get("last_epoch") instanceof Long last) || last < 0) {
      throw new IllegalArgumentException(
          "last_epoch: expected an int of at least 0, found " + state.get("last_epoch"));
    }
    return last;
  }
}
