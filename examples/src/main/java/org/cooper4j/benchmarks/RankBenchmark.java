package org.cooper4j.benchmarks;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.Threads;
import org.cooper4j.distributed.ProcessGroup;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.SimultaneousOptimizer;

/**
 * The time of a roll over several processes, one of which this is, and of its parts; {@code
 * examples/benchmarks/run.py distributed} starts them. Each has as many rows as a process alone.
 */
public final class RankBenchmark {
  private RankBenchmark() {}

  /**
   * Rank 0 prints microseconds as a line of JSON.
   *
   * @param args a problem's name, see {@link Problem#of}, and for how many seconds to measure
   */
  public static void main(String[] args) {
    Threads.setNumThreads(1);
    torch.manual_seed(0);
    try (ProcessGroup group = ProcessGroup.fromEnvironment()) {
      Map<String, Double> micros = roll(group, args[0], Double.parseDouble(args[1]));
      if (group.rank() == 0) {
        System.out.println(
            micros.entrySet().stream()
                .map(e -> String.format(Locale.ROOT, "\"%s\": %.2f", e.getKey(), e.getValue()))
                .collect(Collectors.joining(", ", "{", "}")));
      }
    }
  }

  /** The fastest roll, and what it consisted of. All processes make as many. */
  private static Map<String, Double> roll(ProcessGroup group, String name, double seconds) {
    Problem problem = Problem.of(name);
    Parts parts = new Parts(group);
    CooperOptimizer<Void> optimizer =
        new SimultaneousOptimizer<>(problem, problem.primalOptimizer(), problem.dualOptimizer());
    optimizer.distribute(parts);
    Map<String, Double> fastest = Map.of("roll", Double.POSITIVE_INFINITY);
    long begin = System.nanoTime();
    do {
      for (int i = 0; i < 10; i++) {
        long start = System.nanoTime();
        problem.after(optimizer.roll());
        double micros = (System.nanoTime() - start) / 1e3;
        Map<String, Double> now = parts.take();
        now.put("steps", micros - now.values().stream().mapToDouble(t -> t).sum());
        now.put("roll", micros);
        fastest = micros < fastest.get("roll") ? now : fastest;
      }
    } while (goOn(group, (System.nanoTime() - begin) / 1e9 < seconds));
    return fastest;
  }

  /** What rank 0 says. */
  private static boolean goOn(ProcessGroup group, boolean first) {
    try (PointerScope temporaries = new PointerScope()) {
      Tensor says = Tensor.create(first ? 1L : 0);
      group.broadcast(List.of(says));
      return says.item_long() > 0;
    }
  }
}
