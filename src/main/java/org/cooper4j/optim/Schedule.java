package org.cooper4j.optim;

import java.util.Arrays;
import org.cooper4j.checkpoint.Python;
import org.cooper4j.internal.Native;

/**
 * A value over time, in closed form: a learning rate, a constraint's level, a tolerance. The
 * schedules here throw {@link IllegalArgumentException} for options that are NaN, infinite or,
 * where they count steps, below 1.
 */
@FunctionalInterface
public interface Schedule {
  /**
   * The value after some steps.
   *
   * @param base the value at the start
   * @param step how many steps were made, from 0
   */
  double at(double base, long step);

  /** Times gamma every stepSize steps. Mirrors {@code torch.optim.lr_scheduler.StepLR}. */
  static Schedule step(long stepSize, double gamma) {
    requireFinite(gamma, "gamma");
    require(stepSize >= 1, "stepSize is " + stepSize + "; it must be at least 1");
    return new TorchSchedule(
        (base, step) -> {
          long decays = step / stepSize;
          return base * Native.pow(gamma, (double) decays);
        },
        (rate, base, step) -> step == 0 || step % stepSize != 0 ? rate : rate * gamma,
        (state, step) -> {
          state.put("step_size", stepSize);
          state.put("gamma", gamma);
        });
  }

  /** Times gamma at every milestone. Mirrors {@code torch.optim.lr_scheduler.MultiStepLR}. */
  static Schedule multiStep(double gamma, long... milestones) {
    requireFinite(gamma, "gamma");
    long[] sorted = milestones.clone();
    Arrays.sort(sorted);
    return new TorchSchedule(
        (base, step) ->
            base
                * Native.pow(
                    gamma,
                    (double) Arrays.stream(sorted).filter(milestone -> milestone <= step).count()),
        (rate, base, step) -> {
          long times = Arrays.stream(sorted).filter(milestone -> milestone == step).count();
          return times == 0 ? rate : rate * Native.pow(gamma, (double) times);
        },
        (state, step) -> {
          Python.Counter counts = new Python.Counter();
          for (long milestone : milestones) {
            counts.merge(milestone, 1L, (a, b) -> (long) a + (long) b);
          }
          state.put("milestones", counts);
          state.put("gamma", gamma);
        });
  }

  /** Times gamma every step. Mirrors {@code torch.optim.lr_scheduler.ExponentialLR}. */
  static Schedule exponential(double gamma) {
    requireFinite(gamma, "gamma");
    return new TorchSchedule(
        (base, step) -> base * Native.pow(gamma, (double) step),
        (rate, base, step) -> step == 0 ? rate : rate * gamma,
        (state, step) -> state.put("gamma", gamma));
  }

  /**
   * From base to etaMin along half a cosine, and back. Mirrors {@code
   * torch.optim.lr_scheduler.CosineAnnealingLR}.
   */
  static Schedule cosineAnnealing(long tMax, double etaMin) {
    requireFinite(etaMin, "etaMin");
    require(tMax >= 1, "tMax is " + tMax + "; it must be at least 1");
    return new TorchSchedule(
        (base, step) -> etaMin + (base - etaMin) * (1 + Native.cos(Math.PI * step / tMax)) / 2,
        (rate, base, step) -> {
          if (step == 0) {
            return rate;
          }
          if ((step - 1 - tMax) % (2 * tMax) == 0) {
            return rate + (base - etaMin) * (1 - Native.cos(Math.PI / tMax)) / 2;
          }
          return (1 + Native.cos(Math.PI * step / tMax))
                  / (1 + Native.cos(Math.PI * (step - 1) / tMax))
                  * (rate - etaMin)
              + etaMin;
        },
        (state, step) -> {
          state.put("T_max", tMax);
          state.put("eta_min", etaMin);
        });
  }

  /**
   * From base to etaMin along half a cosine in t0 steps, then again in t0 · tMult, t0 · tMult², …
   * steps. Mirrors {@code torch.optim.lr_scheduler.CosineAnnealingWarmRestarts}.
   */
  static Schedule cosineAnnealingWarmRestarts(long t0, long tMult, double etaMin) {
    requireFinite(etaMin, "etaMin");
    require(t0 >= 1, "t0 is " + t0 + "; it must be at least 1");
    require(tMult >= 1, "tMult is " + tMult + "; it must be at least 1");
    Schedule schedule =
        (base, step) -> {
          long[] cycle = cycle(t0, tMult, step);
          return etaMin + (base - etaMin) * (1 + Native.cos(Math.PI * cycle[0] / cycle[1])) / 2;
        };
    return new TorchSchedule(
        schedule,
        (rate, base, step) -> schedule.at(base, step),
        (state, step) -> {
          long[] cycle = cycle(t0, tMult, step);
          state.put("T_0", t0);
          state.put("T_i", cycle[1]);
          state.put("T_mult", tMult);
          state.put("eta_min", etaMin);
          state.put("T_cur", cycle[0]);
          state.put("_step_count", 0L); // this class does not count
        });
  }

  /** Where a step stands in its cycle, and how long that is. */
  private static long[] cycle(long t0, long tMult, long step) {
    if (tMult == 1) {
      return new long[] {step % t0, t0};
    }
    long length = t0;
    long rest = step;
    while (rest >= length) {
      rest -= length;
      length = Math.multiplyExact(length, tMult);
    }
    return new long[] {rest, length};
  }

  /**
   * From startFactor · base to endFactor · base in totalIters steps, then constant. Mirrors {@code
   * torch.optim.lr_scheduler.LinearLR}.
   */
  static Schedule linear(double startFactor, double endFactor, long totalIters) {
    requireFinite(startFactor, "startFactor");
    requireFinite(endFactor, "endFactor");
    require(totalIters >= 1, "totalIters is " + totalIters + "; it must be at least 1");
    double range = endFactor - startFactor;
    return new TorchSchedule(
        (base, step) -> base * (startFactor + range * Math.min(step, totalIters) / totalIters),
        (rate, base, step) -> {
          if (step == 0) {
            return rate * startFactor;
          }
          if (step > totalIters) {
            return rate;
          }
          return rate * (1.0 + range / (totalIters * startFactor + (step - 1) * range));
        },
        (state, step) -> {
          state.put("start_factor", startFactor);
          state.put("end_factor", endFactor);
          state.put("total_iters", totalIters);
        });
  }

  private static void requireFinite(double option, String name) {
    require(Double.isFinite(option), name + " is " + option + "; it must be finite");
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
