package org.cooper4j.training.log;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.util.Map;
import org.cooper4j.optim.RollOut;
import org.cooper4j.training.Training;
import org.cooper4j.training.TrainingListener;

/**
 * Receives named numbers, a record a step: as a listener those of {@link Training#numbers()},
 * {@code loss}, {@code violation/NAME} and so on, and what is published, such as {@code
 * validation/loss}; or what your own loop gives to {@link #record}.
 *
 * <pre>{@code
 * new Trainer<>(optimizer)
 *     .listen(new TensorBoard(Path.of("runs", "first")).every(10), new CsvLog(Path.of("log.csv")))
 *     .fit(loader, 5);
 * }</pre>
 *
 * <p>A log stays open at the end of {@code fit}, for the next one. Methods may be called by any
 * thread.
 */
public abstract class TrainingLog implements TrainingListener, AutoCloseable {
  private final Object target;
  private long every = 1;
  private boolean closed;

  TrainingLog(Object target) {
    this.target = target;
  }

  /**
   * Writes the numbers of a step.
   *
   * @param step not below those of before
   * @param values NaN and infinite ones are written as such
   * @throws IllegalStateException if this was closed
   * @throws UncheckedIOException if it cannot be written
   */
  public final synchronized void record(long step, Map<String, ? extends Number> values) {
    requireOpen();
    io(() -> write(step, values));
  }

  /**
   * Records every n-th step of a {@link org.cooper4j.training.Trainer}, not each.
   *
   * @throws IllegalArgumentException if n is below 1
   */
  public final TrainingLog every(long n) {
    if (n < 1) {
      throw new IllegalArgumentException("every " + n + " steps: expected at least 1");
    }
    every = n;
    return this;
  }

  @Override
  public final void step(Training training, RollOut rollOut) {
    if (training.step() % every == 0) {
      record(training.step(), training.numbers());
    }
  }

  @Override
  public final void numbers(Training training, Map<String, Double> numbers) {
    record(training.step(), numbers);
  }

  /** Ends the log; closing again does nothing. */
  @Override
  public final synchronized void close() {
    if (!closed) {
      closed = true;
      io(this::finish);
    }
  }

  abstract void write(long step, Map<String, ? extends Number> values) throws IOException;

  abstract void finish() throws IOException;

  final void requireOpen() {
    if (closed) {
      throw new IllegalStateException(
          target + ": the " + getClass().getSimpleName() + " was closed; make another one");
    }
  }

  /** What writes. */
  interface Action {
    void run() throws IOException;
  }

  /** What opens. */
  interface Opening<T> {
    T run() throws IOException;
  }

  final void io(Action action) {
    io(
        () -> {
          action.run();
          return null;
        });
  }

  final <T> T io(Opening<T> action) {
    try {
      return action.run();
    } catch (IOException e) {
      throw new UncheckedIOException(
          target + ": " + getClass().getSimpleName() + ": " + reason(e), e);
    }
  }

  /** A file system's exceptions have the path as their message, and the reason in their name. */
  private static String reason(IOException e) {
    return e instanceof FileSystemException ? e.toString() : e.getMessage();
  }
}
