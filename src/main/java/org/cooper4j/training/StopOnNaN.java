package org.cooper4j.training;

import java.util.Map;
import java.util.Set;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.optim.NotFiniteException;
import org.cooper4j.optim.RollOut;

/**
 * Stops a run whose loss, violations or multipliers have become NaN or infinite, and puts it back
 * to the last copy from which they were still finite: variables, optimizers, generators, place in
 * the batches, and what listeners remember. {@code fit} then returns; without this listener it
 * throws.
 *
 * <p>A copy of all that is made every n steps, and counts once the next roll found it finite. On a
 * CUDA device, where a roll does not wait to look, the numbers are read every n steps.
 */
public final class StopOnNaN implements TrainingListener {
  private static final long EVERY = 100;

  private final long every;
  private Map<String, Object> good;
  private Map<String, Object> pending;

  /** Copies every 100 steps. */
  public StopOnNaN() {
    this(EVERY);
  }

  /**
   * Copies every n steps.
   *
   * @throws IllegalArgumentException if n is below 1
   */
  public StopOnNaN(long n) {
    every = Training.requireEvery(n);
  }

  @Override
  public Set<String> claims() {
    return Set.of("what is put back at NaN");
  }

  @Override
  public void start(Training training) {
    good = copy(training);
    pending = null;
  }

  @Override
  public void step(Training training, RollOut rollOut) {
    if (pending != null || training.step() % every == 0) {
      if (!Double.isFinite(training.values().loss().orElse(0))
          || !Double.isFinite(training.values().maxViolation())) {
        stop(training, "the loss or a violation is NaN or infinite");
        return;
      }
    }
    if (pending != null) {
      good = pending;
      pending = null;
    }
    if (training.step() % every == 0) {
      pending = copy(training);
    }
  }

  private static Map<String, Object> copy(Training training) {
    return StateDict.copyOf(training.stateDict());
  }

  @Override
  public boolean rollFailed(Training training, RuntimeException e) {
    if (!(e instanceof NotFiniteException)) {
      return false;
    }
    stop(training, e.getMessage());
    return true;
  }

  private void stop(Training training, String what) {
    long step = training.step();
    training.loadStateDict(good);
    training.stop(
        "after step " + step + ": " + what + "; all is back as after step " + training.step());
  }

  @Override
  public void end(Training training) {
    good = null;
    pending = null;
  }
}
