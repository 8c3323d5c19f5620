package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.OptimizerParamGroupVector;
import org.cooper4j.internal.Native;

/**
 * Sets the learning rates of a primal or dual optimizer's groups by a {@link Schedule}. Mirrors
 * {@code torch.optim.lr_scheduler.LRScheduler}, whose state_dict it reads and writes: call {@link
 * #step()} once an epoch, save {@link #stateDict()} with the checkpoint. The schedules that have
 * names give the rates of Python's classes to the last digit; a schedule of your own is a {@code
 * LambdaLR}.
 */
public final class LRScheduler {
  /** How far, of the base, a rate may be from the schedule's and still come of its rounding. */
  private static final double ROUNDING = 1e-6;

  private final Optimizer optimizer;
  private final Schedule schedule;
  private Map<String, Object> loaded = Map.of();
  private List<Double> baseLrs;
  private long lastEpoch;
  private long stepCount;

  /**
   * The rates that the groups started from, which Python keeps as {@code initial_lr}, are the base:
   * the present ones, unless the optimizer's state came from a run with a scheduler. They become
   * {@code schedule.at(base, 0)}.
   *
   * @throws IllegalArgumentException if the schedule gives NaN or infinity; the rates stay
   */
  public LRScheduler(Optimizer optimizer, Schedule schedule) {
    this.optimizer = Objects.requireNonNull(optimizer, "optimizer");
    this.schedule = Objects.requireNonNull(schedule, "schedule");
    this.baseLrs = new ArrayList<>();
    for (int i = 0; i < getLastLr().size(); i++) {
      baseLrs.add(Native.initialLr(optimizer, i));
    }
    apply(0);
    this.stepCount = 1;
  }

  /**
   * Goes on by one step and sets the rates.
   *
   * @throws IllegalArgumentException if the schedule gives NaN or infinity; the rates stay
   * @throws IllegalStateException if the optimizer was released, or has got another group
   */
  public void step() {
    apply(Math.incrementExact(lastEpoch));
    stepCount++;
  }

  /** The present rates, one a group. */
  public List<Double> getLastLr() {
    if (optimizer.isNull()) {
      throw new IllegalStateException(
          "the scheduler's optimizer was released, by close() or with the PointerScope it was made"
              + " in; make it outside, or keep it with retainReference()");
    }
    List<Double> rates = new ArrayList<>();
    try (PointerScope temporaries = new PointerScope()) {
      OptimizerParamGroupVector groups = optimizer.param_groups();
      for (long i = 0; i < groups.size(); i++) {
        rates.add(groups.get(i).options().get_lr());
      }
    }
    return rates;
  }

  private void apply(long epoch) {
    List<Double> present = getLastLr();
    if (present.size() != baseLrs.size()) {
      throw new IllegalStateException(
          "the optimizer has "
              + present.size()
              + " groups, but had "
              + baseLrs.size()
              + " when this scheduler was made; make the scheduler after the last group");
    }
    List<Double> rates = new ArrayList<>();
    for (int i = 0; i < present.size(); i++) {
      double base = baseLrs.get(i);
      rates.add(ScheduledValue.finite(next(present.get(i), base, epoch), base, epoch));
    }
    for (int i = 0; i < rates.size(); i++) {
      Native.setLr(optimizer, i, rates.get(i));
    }
    lastEpoch = epoch;
  }

  /** Python's step from rate to rate; in closed form where the rate is not the schedule's. */
  private double next(double rate, double base, long epoch) {
    if (schedule instanceof TorchSchedule torch) {
      boolean onSchedule =
          epoch == 0 || Math.abs(rate - torch.at(base, epoch - 1)) <= ROUNDING * Math.abs(base);
      if (onSchedule) {
        return torch.next(rate, base, epoch);
      }
    }
    return schedule.at(base, epoch);
  }

  /**
   * What Python's class of the schedule has in its state: {@code base_lrs, last_epoch, _step_count,
   * _last_lr}, and what the schedule goes by. Keys of a loaded state that are not these stay as
   * they were.
   */
  public Map<String, Object> stateDict() {
    Map<String, Object> present = new LinkedHashMap<>();
    if (schedule instanceof TorchSchedule torch) {
      present.putAll(torch.keys(lastEpoch));
    }
    present.put("base_lrs", new ArrayList<>(baseLrs));
    present.put("last_epoch", lastEpoch);
    present.putIfAbsent("_step_count", stepCount);
    present.put("_is_initial", false);
    present.put("_get_lr_called_within_step", false);
    present.put("_last_lr", getLastLr());
    if (loaded.isEmpty() && !(schedule instanceof TorchSchedule)) {
      present.put("lr_lambdas", new ArrayList<>(Collections.nCopies(baseLrs.size(), null)));
    }
    Map<String, Object> state = new LinkedHashMap<>(loaded);
    present.forEach((key, value) -> state.merge(key, value, LRScheduler::changed));
    return state;
  }

  /** The old value where the new one is the same number in another type. */
  private static Object changed(Object old, Object present) {
    boolean same =
        old instanceof Number a
            && present instanceof Number b
            && a.doubleValue() == b.doubleValue();
    return same ? old : present;
  }

  /**
   * Goes on from a state of this scheduler's or of Python's; the schedule stays this one's. As in
   * Python, the rates come with the optimizer's own state.
   *
   * @throws IllegalArgumentException naming the key that does not fit
   */
  public void loadStateDict(Map<String, ?> state) {
    long last = ScheduledValue.lastEpoch(state);
    List<Double> base = new ArrayList<>();
    if (state.get("base_lrs") instanceof List<?> rates) {
      for (Object rate : rates) {
        base.add(rate instanceof Number number ? number.doubleValue() : Double.NaN);
      }
    }
    if (base.size() != baseLrs.size() || !base.stream().allMatch(Double::isFinite)) {
      throw new IllegalArgumentException(
          "base_lrs: expected a list of "
              + baseLrs.size()
              + " numbers, one a group, found "
              + state.get("base_lrs"));
    }
    loaded = new LinkedHashMap<>(state);
    baseLrs = base;
    lastEpoch = last;
    stepCount = state.get("_step_count") instanceof Long count ? count : last + 1;
  }
}
