package org.cooper4j.training;

import java.util.Map;
import java.util.Set;
import org.cooper4j.optim.RollOut;

/**
 * What is done around the rolls of a {@link Trainer}; every method does nothing unless overridden.
 *
 * <p>Listeners are called in the order in which they were given, in the thread that called {@code
 * fit}. One that throws ends the run: {@code fit} throws that exception once every listener that
 * was started has had its {@link #end}.
 */
public interface TrainingListener {
  /**
   * Before the first step of a call of {@code fit}. The state is that of the resumed run, if any.
   */
  default void start(Training training) {}

  /**
   * After every roll.
   *
   * @param rollOut the roll's; its numbers are {@link Training#values()}, read once for all
   *     listeners
   */
  default void step(Training training, RollOut rollOut) {}

  /** After the last step of an epoch, which {@link Training#epoch()} still numbers. */
  default void epochEnd(Training training) {}

  /**
   * When something measured numbers that are none of a roll's, such as a {@link Validation}; see
   * {@link Training#publish}.
   *
   * @param numbers by name, such as {@code validation/loss}; free to keep
   */
  default void numbers(Training training, Map<String, Double> numbers) {}

  /**
   * When a roll threw, as for a loss that is NaN ({@link org.cooper4j.optim.NotFiniteException}).
   *
   * @return whether the run is to end without the exception, with a {@link Training#stop} that says
   *     why
   */
  default boolean rollFailed(Training training, RuntimeException e) {
    return false;
  }

  /**
   * At the end of {@code fit}, also after a failure: {@link Training#stopReason()} and {@link
   * Training#failure()} tell.
   */
  default void end(Training training) {}

  /**
   * What no other listener may have beside this one: {@code fit} refuses two with an equal claim
   * before it starts any, as one would undo or double what the other does. Nothing unless
   * overridden.
   *
   * @return files and folders that are written to, as {@link java.nio.file.Path}s, which no other
   *     training that runs may write to either; for all else a text that says what it is, such as
   *     {@code "the name 'validation'"}, or the object itself
   */
  default Set<?> claims() {
    return Set.of();
  }

  /**
   * What the listener remembers from step to step, for a checkpoint: anything that {@link
   * org.cooper4j.checkpoint.Python} lists. Nothing unless overridden.
   */
  default Map<String, Object> stateDict() {
    return Map.of();
  }

  /**
   * Goes on from what {@link #stateDict()} gave.
   *
   * @throws IllegalArgumentException if it does not fit
   */
  default void loadStateDict(Map<String, ?> state) {}
}
