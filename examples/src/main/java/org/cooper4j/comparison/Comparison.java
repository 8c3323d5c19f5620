package org.cooper4j.comparison;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.cooper4j.Constraint;
import org.cooper4j.Threads;
import org.cooper4j.data.Batch;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.NotFiniteException;
import org.cooper4j.solver.Solver;
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
  private static final double[] RATES = {0.01, 0.05};
  private static final double[] KNOBS = {1, 0.1, 10};
  private static final int MEASURES = 40;
  private static final List<String> QUICK = List.of("HS21", "HS28", "HS43", "MNIST, norm");

  @Option(names = "--quick", description = "A few problems, few evaluations.")
  private boolean quick;

  @Option(names = "--budget", description = "Evaluations of a run on a published problem.")
  private long budget = 10_000;

  @Option(names = "--only", description = "The names of problems; all without.", split = ";")
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
    if (quick) {
      budget = 300;
      only = QUICK;
    }
    Files.createDirectories(out.toAbsolutePath().getParent());
    try (PrintWriter opened = new PrintWriter(Files.newBufferedWriter(out))) {
      writer = opened;
      for (Published problem : Published.all()) {
        if (isWanted(problem.name())) {
          compare(problem);
        }
      }
      for (Use use : Use.all()) {
        if (isWanted(use.name())) {
          compare(use);
        }
      }
    }
    return 0;
  }

  private boolean isWanted(String problem) {
    return only.isEmpty() || only.contains(problem);
  }

  private void compare(Published problem) {
    solve(problem);
    for (Algorithm algorithm : Algorithm.all()) {
      if (problem.equalities() && !algorithm.equalities()) {
        continue;
      }
      for (double rate : RATES) {
        for (double factor : KNOBS) {
          double knob = factor * algorithm.untuned();
          Trace trace = new Trace(budget, problem.optimum());
          try (PointerScope scope = new PointerScope()) {
            Task task = problem.task().apply(algorithm.constraints().apply(knob));
            run(task, algorithm.maker().make(task, rate, knob), trace);
          }
          write(problem.name(), algorithm, rate, knob, rate == RATES[0] && factor == 1, trace);
        }
      }
    }
  }

  private static void run(Task task, Algorithm.Step step, Trace trace) {
    task.observe(state -> trace.evaluated(Task.measured(state)));
    try {
      while (true) {
        task.batches().forEach(step::on);
      }
    } catch (Trace.Enough | NotFiniteException over) {
      // The trace has what there was.
    }
  }

  private static Constraints lagrangian() {
    return (type, size, dtype) ->
        new Constraint(type, new DenseMultiplier(size, new Device("cpu"), dtype));
  }

  private void solve(Published problem) {
    Trace trace = new Trace(budget, problem.optimum());
    try (PointerScope scope = new PointerScope()) {
      Task task = problem.task().apply(lagrangian());
      task.observe(state -> trace.evaluated(Task.measured(state)));
      new Solver<>(task, task.variables()).minimize();
    } catch (Trace.Enough over) {
      // The trace has what there was.
    }
    write(problem.name(), "Solver", 0, 0, true, trace);
  }

  private void compare(Use use) {
    int steps = quick ? MEASURES : use.steps();
    solve(use, steps);
    for (Algorithm algorithm : Algorithm.all()) {
      if (use.equalities() && !algorithm.equalities()) {
        continue;
      }
      for (double factor : KNOBS) {
        double knob = factor * algorithm.untuned();
        Trace trace = new Trace(Long.MAX_VALUE, Double.NaN);
        try (PointerScope scope = new PointerScope()) {
          Task task = use.start(algorithm.constraints().apply(knob), 0);
          train(task, algorithm.maker().make(task, use.rate(), knob), steps, trace);
        } catch (NotFiniteException over) {
          // The trace has what there was.
        }
        write(use.name(), algorithm, use.rate(), knob, factor == 1, trace);
      }
    }
  }

  private static void train(Task task, Algorithm.Step step, int steps, Trace trace) {
    int every = steps / MEASURES;
    int done = 0;
    measure(task, 0, trace);
    while (true) {
      for (Batch batch : task.batches()) {
        step.on(batch);
        done++;
        if (done % every == 0) {
          measure(task, every, trace);
        }
        if (done == steps) {
          return;
        }
      }
    }
  }

  private static void measure(Task task, long more, Trace trace) {
    long now = System.nanoTime();
    try (PointerScope scope = new PointerScope()) {
      Measured measured = task.measure();
      trace.measured(more, measured, System.nanoTime() - now);
    }
  }

  /** On all data at a time; an evaluation counts as the batches of an epoch. */
  private void solve(Use use, int steps) {
    if (use.name().contains("rates")) {
      return; // which have no gradient
    }
    Trace trace = new Trace(Long.MAX_VALUE, Double.NaN);
    try (PointerScope scope = new PointerScope()) {
      Task task = use.start(lagrangian(), 0);
      long[] epoch = {0};
      task.batches().forEach(batch -> epoch[0]++);
      task.observe(state -> trace.measured(epoch[0], Task.measured(state), 0));
      new Solver<>(task, task.variables())
          .maxEvaluations(quick ? 10 : Math.max(100, 10L * steps / epoch[0]))
          .minimize();
    }
    write(use.name(), "Solver", 0, 0, true, trace);
  }

  private void write(
      String problem, Algorithm algorithm, double rate, double knob, boolean untuned, Trace trace) {
    write(problem, algorithm.name(), rate, knob, untuned, trace);
  }

  private void write(
      String problem, String algorithm, double rate, double knob, boolean untuned, Trace trace) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("problem", problem);
    line.put("algorithm", algorithm);
    line.put("rate", rate);
    line.put("knob", knob);
    line.put("untuned", untuned);
    line.putAll(trace.toMap());
    writer.println(new Gson().toJson(line));
    writer.flush();
  }
}
