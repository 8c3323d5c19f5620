package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

  /** The present rates are the base; they become {@code schedule.at(base, 0)}. */
  public LRScheduler(Optimizer optimizer, Schedule schedule) {
    this.optimizer = optimizer;
    this.schedule = schedule;
    this.baseLrs = getLastLr();
    apply();
  }

  /** Goes on by one step and sets the rates. */
  public void step() {
    lastEpoch++;
    apply();
  }

  /** The present rates, one a group. */
  public List<Double> getLastLr() {
    List<Double> rates = new ArrayList<>();
    try (PointerScope temporaries = new PointerScope()) {
      OptimizerParamGroupVector groups = optimizer.param_groups();
      for (long i = 0; i < groups.size(); i++) {
        rates.add(groups.get(i).options().get_lr());
      }
    }
    return rates;
  }

  private void apply() {
    for (int i = 0; i < baseLrs.size(); i++) {
      Native.setLr(optimizer, i, schedule.at(baseLrs.get(i), lastEpoch));
    }
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
        if (rate instanceof Number number) {
          base.add(number.doubleValue());
        }
      }
    }
    if (base.size() != baseLrs.size()) {
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
