package org.cooper4j.optim;

/**
 * Whether a number swings about 0 without dying out, under noise as well: what a step's noise hides
 * shows in the means of some steps, of which the noise is smaller and the swing, if it is longer
 * than they are, is not.
 */
final class Swings {
  private static final int[] STEPS = {1, 4, 8, 16};

  /** Four, so that the trend is not that of one; more, where noise hides how it fades. */
  private static final int FEWEST = 4;

  private static final int FEWEST_OF_MEANS = 8;

  private final SwingCounter[] counters = new SwingCounter[STEPS.length];
  private final double[] sums = new double[STEPS.length];
  private long steps;

  Swings() {
    for (int i = 0; i < STEPS.length; i++) {
      counters[i] = new SwingCounter(STEPS[i] == 1 ? FEWEST : FEWEST_OF_MEANS);
    }
  }

  void observe(double value) {
    steps++;
    for (int i = 0; i < STEPS.length; i++) {
      sums[i] += value;
      if (steps % STEPS[i] == 0) {
        counters[i].observe(sums[i] / STEPS[i]);
        sums[i] = 0;
      }
    }
  }

  boolean areGoingOn() {
    for (SwingCounter counter : counters) {
      if (counter.areGoingOn()) {
        return true;
      }
    }
    return false;
  }
}
