package org.cooper4j.training;

import java.io.Console;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Set;
import org.cooper4j.optim.RollOut;

/**
 * Shows how far each epoch is, with loss and largest violation, by {@code me.tongfei:progressbar}
 * 0.10, which the user adds as a dependency. It shows nothing where there is no terminal.
 */
public final class ProgressBar implements TrainingListener {
  private static final int INTERVAL_MILLIS = 100;

  private final PrintStream terminal; // null if there is none
  private TerminalBar bar;
  private long drawn;

  /**
   * A bar on the terminal, if there is one.
   *
   * @throws IllegalStateException if {@code me.tongfei:progressbar} is not on the class path
   */
  public ProgressBar() {
    this(isTerminal() ? System.err : null);
  }

  ProgressBar(PrintStream terminal) {
    this.terminal = terminal;
    try {
      Class.forName("me.tongfei.progressbar.ProgressBarBuilder");
    } catch (ClassNotFoundException | LinkageError e) {
      throw new IllegalStateException(
          "ProgressBar needs me.tongfei:progressbar:0.10.1; add it to your dependencies", e);
    }
  }

  @Override
  public Set<String> claims() {
    return terminal == null ? Set.of() : Set.of("the terminal");
  }

  @Override
  public void step(Training training, RollOut rollOut) {
    if (terminal == null) {
      return;
    }
    if (bar == null) {
      open(training);
    }
    bar.stepTo(training.batch());
    // Numbers may have to be waited for: only those that will be seen are read.
    long now = System.nanoTime();
    if (now - drawn >= INTERVAL_MILLIS * 1_000_000L) {
      drawn = now;
      tell(training);
    }
  }

  private void open(Training training) {
    bar =
        new TerminalBar(
            terminal,
            "epoch " + (training.epoch() + 1),
            training.batches().orElse(-1),
            INTERVAL_MILLIS);
  }

  private void tell(Training training) {
    String violation =
        String.format(Locale.ROOT, "violation %.3g", training.values().maxViolation());
    bar.tell(
        training.values().loss().isPresent()
            ? String.format(
                Locale.ROOT, "loss %.4g  %s", training.values().loss().getAsDouble(), violation)
            : violation);
  }

  @Override
  public void epochEnd(Training training) {
    if (bar != null) {
      tell(training);
    }
    close();
  }

  @Override
  public void end(Training training) {
    close();
  }

  private void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  @SuppressWarnings("SystemConsoleNull") // the second test is for Java 22 and later
  private static boolean isTerminal() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      // From Java 22 on there is a console without a terminal, too; it can tell.
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (ReflectiveOperationException e) {
      return true;
    }
  }
}
