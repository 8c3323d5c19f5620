package org.cooper4j.optim;

import java.util.Arrays;

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
    return (base, step) -> {
      long decays = step / stepSize;
      return base * Math.pow(gamma, (double) decays);
    };
  }

  /** Times gamma at every milestone. Mirrors {@code torch.optim.lr_scheduler.MultiStepLR}. */
  static Schedule multiStep(double gamma, long... milestones) {
    requireFinite(gamma, "gamma");
    long[] sorted = milestones.clone();
    Arrays.sort(sorted);
    return (base, step) ->
        base
            * Math.pow(
                gamma,
                (double) Arrays.stream(sorted).filter(milestone -> milestone <= step).count());
  }

  /** Times gamma every step. Mirrors {@code torch.optim.lr_scheduler.ExponentialLR}. */
  static Schedule exponential(double gamma) {
    requireFinite(gamma, "gamma");
    return (base, step) -> base * Math.pow(gamma, (double) step);
  }

  /**
   * From base to etaMin along half a cosine, and back. Mirrors {@code
   * torch.optim.lr_scheduler.CosineAnnealingLR}.
   */
  static Schedule cosineAnnealing(long tMax, double etaMin) {
    requireFinite(etaMin, "etaMin");
    require(tMax >= 1, "tMax is " + tMax + "; it must be at least 1");
    return (base, step) -> etaMin + (base - etaMin) * (1 + Math.cos(Math.PI * step / tMax)) / 2;
  }

  /**
   * From startFactor · base to endFactor · base in totalIters steps, then constant. Mirrors {@code
   * torch.optim.lr_scheduler.LinearLR}.
   */
  static Schedule linear(double startFactor, double endFactor, long totalIters) {
    requireFinite(startFactor, "startFactor");
    requireFinite(endFactor, "endFactor");
    require(totalIters >= 1, "totalIters is " + totalIters + "; it must be at least 1");
    return (base, step) ->
        base * (startFactor + (endFactor - startFactor) * Math.min(step, totalIters) / totalIters);
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
