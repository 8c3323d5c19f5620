package org.cooper4j;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/** What a thread beside the test's does meanwhile. */
public final class AnotherThread {
  private AnotherThread() {}

  /** Runs it there to its end; what it threw. */
  public static Optional<Throwable> thrownBy(Runnable action) {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread thread = new Thread(action);
    thread.setUncaughtExceptionHandler((its, e) -> thrown.set(e));
    thread.start();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return Optional.ofNullable(thrown.get());
  }
}
