package org.cooper4j.benchmarks;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.cooper4j.optim.SimultaneousOptimizer;

/** Many MNIST steps without a scope of the user's: prints the process's memory as they go. */
public final class Soak {
  private Soak() {}

  /** Arguments: how many steps; a million unless given. */
  public static void main(String[] args) throws Exception {
    long steps = args.length > 0 ? Long.parseLong(args[0]) : 1_000_000;
    Problem problem = new Mnist(Mnist.Reading.FOUR_TENSORS);
    var optimizer =
        new SimultaneousOptimizer<>(problem, problem.primalOptimizer(), problem.dualOptimizer());
    for (long step = 1; step <= steps; step++) {
      problem.after(optimizer.roll());
      if (step % Math.max(1, steps / 10) == 0) {
        System.out.printf(Locale.ROOT, "%9d steps  %.1f MB resident%n", step, residentMegabytes());
      }
    }
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      System.out.printf(
          "%s: %d collections, %d ms%n",
          collector.getName(), collector.getCollectionCount(), collector.getCollectionTime());
    }
  }

  private static double residentMegabytes() throws Exception {
    String status = Files.readString(Path.of("/proc/self/status"));
    String kilobytes = status.replaceAll("(?s).*VmRSS:\\s*(\\d+).*", "$1");
    return Long.parseLong(kilobytes) / 1024.0;
  }
}
