package org.cooper4j.comparison;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.cooper4j.Threads;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Runs every algorithm on every problem, untuned and over a grid, and writes a JSON line for each
 * run: {@code examples/comparison/run.py} calls it, and makes tables of that.
 */
@Command(
    name = "comparison",
    description = "Runs all algorithms on all problems.",
    showDefaultValues = true)
public final class Comparison implements Callable<Integer> {
  /** Of Adam for the variables; the first is the untuned one. */
  private static final double[] RATES = {0.01, 0.05};

  /** Times an algorithm's untuned knob. */
  private static final double[] KNOBS = {1, 0.1, 10};

  private static final List<String> QUICK = List.of("HS21", "HS28", "HS43", "MNIST, norm");

  /** Python's json reads NaN, where a run has ended in it. */
  private static final Gson GSON = new GsonBuilder().serializeSpecialFloatingPointValues().create();

  @Option(names = "--quick", description = "A few problems, few evaluations.")
  private boolean quick;

  @Option(names = "--only", description = "Names of problems; all without.", split = ";")
  private List<String> only = List.of();

  @Option(names = "--out", description = "The file of results.")
  private Path out = Path.of("build/comparison/java.jsonl");

  private PrintWriter writer;

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    int code = new CommandLine(new Comparison()).execute(args);
    if (code != 0) {
      System.exit(code);
    }
  }

  @Override
  public Integer call() throws IOException {
    Threads.setNumThreads(1); // most of the problems are far too small for more
    List<String> wanted = quick ? QUICK : only;
    Files.createDirectories(out.toAbsolutePath().getParent());
    try (PrintWriter opened = new PrintWriter(Files.newBufferedWriter(out))) {
      writer = opened;
      for (Published problem : Published.all()) {
        if (wanted.isEmpty() || wanted.contains(problem.name())) {
          compare(problem, quick ? 300 : 10_000);
        }
      }
      for (Use use : Use.all()) {
        if (wanted.isEmpty() || wanted.contains(use.name())) {
          compare(use, quick ? Runs.MEASURES : use.steps());
        }
      }
    }
    return 0;
  }

  private void compare(Published problem, long budget) {
    write(problem.name(), "Solver", Map.of(), true, Runs.solve(problem, budget));
    for (Algorithm algorithm : Algorithm.all()) {
      for (double rate : algorithm.takes(problem.equalities()) ? RATES : new double[0]) {
        for (double factor : KNOBS) {
          double knob = factor * algorithm.untuned();
          Trace trace = Runs.run(problem, algorithm, rate, knob, budget);
          boolean untuned = rate == RATES[0] && factor == 1;
          write(problem.name(), algorithm.name(), algorithm.setting(rate, knob), untuned, trace);
        }
      }
    }
  }

  private void compare(Use use, int steps) {
    if (use.smooth()) {
      write(use.name(), "Solver", Map.of(), true, Runs.solve(use, Math.max(10, steps / 5)));
    }
    for (Algorithm algorithm : Algorithm.all()) {
      for (double factor : algorithm.takes(use.equalities()) ? KNOBS : new double[0]) {
        double knob = factor * algorithm.untuned();
        Trace trace = Runs.run(use, algorithm, knob, steps);
        Map<String, Double> setting = algorithm.setting(use.rate(), knob);
        write(use.name(), algorithm.name(), setting, factor == 1, trace);
      }
    }
  }

  private void write(
      String problem, String algorithm, Map<String, Double> setting, boolean untuned, Trace trace) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("problem", problem);
    line.put("algorithm", algorithm);
    line.put("setting", setting);
    line.put("untuned", untuned);
    line.putAll(trace.toMap());
    writer.println(GSON.toJson(line));
    writer.flush();
  }
}
