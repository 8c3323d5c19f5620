package org.cooper4j.examples;

import java.io.Console;
import java.io.PrintStream;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Shows how far an epoch is. On a terminal it redraws one line, which stays as a summary; elsewhere
 * it prints the summary alone.
 */
final class ProgressBar {
  private static final int WIDTH = 20;
  private static final long REDRAW_NANOS = 100_000_000;

  private final PrintStream out;
  private final boolean live;
  private final String title;
  private final long total;
  private final long start = System.nanoTime();
  private long drawn = start;
  private long done;

  ProgressBar(String title, long total) {
    this(System.out, isTerminal(), title, total);
  }

  ProgressBar(PrintStream out, boolean live, String title, long total) {
    this.out = out;
    this.live = live;
    this.title = title;
    this.total = total;
  }

  /** Counts a step. The status is asked for only when it will be seen, since it may be costly. */
  void step(Supplier<String> status) {
    done++;
    long now = System.nanoTime();
    double rate = done / ((now - start) / 1e9);
    if (done == total) {
      String clear = live ? "\r\u001b[K" : "";
      out.println(clear + line("%d batches".formatted(total), status, rate));
    } else if (live && now - drawn >= REDRAW_NANOS) {
      drawn = now;
      int filled = (int) (WIDTH * done / total);
      String bar = "=".repeat(filled) + ">" + " ".repeat(WIDTH - 1 - filled);
      out.print("\r\u001b[K" + line("[%s] %d/%d".formatted(bar, done, total), status, rate));
      out.flush();
    }
  }

  private String line(String middle, Supplier<String> status, double rate) {
    return String.format(Locale.ROOT, "%s  %s  %s  %.0f/s", title, middle, status.get(), rate);
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
