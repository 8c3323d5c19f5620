package org.cooper4j.training;

import java.io.PrintStream;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;

/** A bar of me.tongfei:progressbar; without it, making one throws NoClassDefFoundError. */
final class TerminalBar {
  private static final int WIDTH = 120;

  private final ProgressBar bar;

  /**
   * Opens it.
   *
   * @param max -1 if nobody knows
   */
  TerminalBar(PrintStream terminal, String task, long max, int intervalMillis) {
    ProgressBarBuilder builder = new ProgressBarBuilder();
    if (terminal != System.err) {
      builder.setConsumer(new ConsoleProgressBarConsumer(terminal, WIDTH));
    }
    bar =
        builder
            .setTaskName(task)
            .setInitialMax(max)
            .setUpdateIntervalMillis(intervalMillis)
            .showSpeed()
            .build();
  }

  void stepTo(long step) {
    bar.stepTo(step);
  }

  void tell(String message) {
    bar.setExtraMessage(message);
  }

  void close() {
    bar.close();
  }
}
