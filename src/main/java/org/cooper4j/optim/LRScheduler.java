package org.cooper4j.optim;

import java.util.ArrayList;
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
 * #step()} once an epoch, save {@link #stateDict()} with the checkpoint.
 */
public final class LRScheduler {
  private final Optimizer optimizer;
  private final Schedule schedule;
  private List<Double> baseLrs;
  private long lastEpoch;

  /**
   * The present rates are the base; they become {@code schedule.at(base, 0)}.
   *
   * @throws IllegalArgumentException if the schedule gives NaN or infinity; the rates stay
   */
  public LRScheduler(Optimizer optimizer, Schedule schedule) {
    this.optimizer = Objects.requireNonNull(optimizer, "optimizer");
    this.schedule = Objects.requireNonNull(schedule, "schedule");
    this.baseLrs = getLastLr();
    apply(0);
  }

  /**
   * Goes on by one step and sets the rates.
   *
   * @throws IllegalArgumentException if the schedule gives NaN or infinity; the rates stay
   * @throws IllegalStateException if the optimizer was released, or has got another group
   */
  public void step() {
    apply(Math.incrementExact(lastEpoch));
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
    int groups = getLastLr().size();
    if (groups != baseLrs.size()) {
      throw new IllegalStateException(
          "the optimizer has "
              + groups
              + " groups, but had "
              + baseLrs.size()
              + " when this scheduler was made; make the scheduler after the last group");
    }
    List<Double> rates =
        baseLrs.stream()
            .map(base -> ScheduledValue.finite(schedule.at(base, epoch), base, epoch))
            .toList();
    for (int i = 0; i < groups; i++) {
      Native.setLr(optimizer, i, rates.get(i));
    }
    lastEpoch = epoch;
  }

  /**
   * {@code base_lrs, last_epoch, _step_count, _last_lr}: what Python's schedulers have in common.
   */
  public Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("base_lrs", new ArrayList<>(baseLrs));
    state.put("last_epoch", lastEpoch);
    state.put("_step_count", lastEpoch + 1);
    state.put("_last_lr", getLastLr());
    return state;
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
    baseLrs = base;
    lastEpoch = last;
  }
}
