package org.cooper4j.comparison;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.cooper4j.Threads;
import org.cooper4j.examples.Example;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Runs every algorithm on every problem, untuned and over a grid, and writes a JSON line for each
 * run, going on where it was stopped: {@code examples/comparison/run.py} calls it, and makes tables
 * of that.
 */
@Command(
    name = "comparison",
    description = "Runs all algorithms on all problems.",
    showDefaultValues = true)
public final class Comparison implements Callable<Integer> {
  /** Of Adam for the variables; the first is the untuned one. */
  private static final double[] RATES = {0.01, 0.05};

  private static final List<String> QUICK = List.of("HS21", "HS28", "HS43", "MNIST, norm");

  /** Python's json reads NaN, where a run has ended in it. */
  private static final Gson GSON = new GsonBuilder().serializeSpecialFloatingPointValues().create();

  @Option(names = "--quick", description = "A few problems, few evaluations.")
  private boolean quick;

  @Option(names = "--only", description = "Names of problems; all without.", split = ";")
  private List<String> only = List.of();

  @Option(names = "--out", description = "The file of results.")
  private Path out = Path.of("build/comparison/java.jsonl");

  private final Set<List<Object>> done = new HashSet<>();
  private PrintWriter writer;

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new Comparison(), args);
  }

  @Override
  public Integer call() throws IOException {
    Threads.setNumThreads(1); // most of the problems are far too small for more
    List<String> wanted = quick ? QUICK : only;
    Files.createDirectories(out.toAbsolutePath().getParent());
    List<String> before = readWhole();
    Files.write(out, before);
    try (PrintWriter opened =
        new PrintWriter(Files.newBufferedWriter(out, StandardOpenOption.APPEND))) {
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

  /** The lines of the file that are there already; the last may not be whole. */
  private List<String> readWhole() throws IOException {
    List<String> whole = new ArrayList<>();
    for (String line : Files.exists(out) ? Files.readAllLines(out) : List.<String>of()) {
      try {
        Run run = GSON.fromJson(line, Run.class);
        if (run == null || run.problem() == null || run.setting() == null) {
          throw new IOException(
              "%s: line %d is none of this program; remove it".formatted(out, whole.size() + 1));
        }
        done.add(key(run.problem(), run.algorithm(), run.setting()));
        whole.add(line);
      } catch (JsonParseException cut) {
        break;
      }
    }
    return whole;
  }

  /** Of a line, what tells it from the others. */
  private record Run(String problem, String algorithm, Map<String, Double> setting) {}

  private static List<Object> key(String problem, String algorithm, Map<String, Double> setting) {
    return List.of(problem, algorithm, Map.copyOf(setting));
  }

  private void compare(Published problem, long budget) {
    write(problem.name(), "Solver", Map.of(), true, () -> Runs.solve(problem, budget));
    for (Algorithm algorithm : Algorithm.all()) {
      for (double rate : algorithm.takes(problem.equalities()) ? RATES : new double[0]) {
        for (double knob : algorithm.knobs()) {
          write(
              problem.name(),
              algorithm.name(),
              algorithm.setting(rate, knob),
              rate == RATES[0] && knob == algorithm.untuned(),
              () -> Runs.run(problem, algorithm, rate, knob, budget));
        }
      }
    }
  }

  private void compare(Use use, int steps) {
    if (use.smooth()) {
      long evaluations = Math.max(10, steps / 5);
      write(use.name(), "Solver", Map.of(), true, () -> Runs.solve(use, evaluations));
    }
    for (Algorithm algorithm : Algorithm.all()) {
      for (double knob : algorithm.takes(use.equalities()) ? algorithm.knobs() : new double[0]) {
        write(
            use.name(),
            algorithm.name(),
            algorithm.setting(use.rate(), knob),
            knob == algorithm.untuned(),
            () -> Runs.run(use, algorithm, knob, steps));
      }
    }
  }

  private void write(
      String problem,
      String algorithm,
      Map<String, Double> setting,
      boolean untuned,
      Supplier<Trace> run) {
    if (done.add(key(problem, algorithm, setting))) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("problem", problem);
      line.put("algorithm", algorithm);
      line.put("setting", setting);
      line.put("untuned", untuned);
      line.putAll(run.get().toMap());
      writer.println(GSON.toJson(line));
      writer.flush();
    }
  }
}
