package org.cooper4j.optim;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A schedule of {@code torch.optim.lr_scheduler}, which goes from rate to rate: the last digits are
 * those of Python's steps, not of the closed form.
 */
final class TorchSchedule implements Schedule {
  /** The rate after one more step. */
  @FunctionalInterface
  interface Step {
    /**
     * @param rate the rate until now
     * @param base the rate at the start
     * @param step how many steps were made with this one; 0 at the start
     */
    double next(double rate, double base, long step);
  }

  /** What the class keeps in its state at some step, beside what all classes keep. */
  @FunctionalInterface
  interface Keys {
    void put(Map<String, Object> state, long step);
  }

  private final Schedule closedForm;
  private final Step chained;
  private final Keys keys;

  TorchSchedule(Schedule closedForm, Step chained, Keys keys) {
    this.closedForm = closedForm;
    this.chained = chained;
    this.keys = keys;
  }

  @Override
  public double at(double base, long step) {
    return closedForm.at(base, step);
  }

  double next(double rate, double base, long step) {
    return chained.next(rate, base, step);
  }

  Map<String, Object> keys(long step) {
    Map<String, Object> state = new LinkedHashMap<>();
    keys.put(state, step);
    return state;
  }
}
