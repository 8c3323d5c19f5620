package org.cooper4j.comparison;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.Threads;
import org.cooper4j.data.Batch;
import org.cooper4j.examples.Example;
import org.cooper4j.multipliers.ExplicitMultiplier;
import org.cooper4j.optim.DualRates;
import org.cooper4j.optim.GradientHook;
import org.cooper4j.optim.Gradients;
import org.cooper4j.optim.NotFiniteException;
import org.cooper4j.optim.SimultaneousOptimizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What each part of {@link DualRates} does: every training with each part off, and with fixed
 * rates. Prints a Markdown table.
 */
@Command(
    name = "ablation",
    description = "Trains with parts of DualRates off, and with fixed dual rates.",
    showDefaultValues = true)
public final class Ablation implements Callable<Integer> {
  private static final double HORIZON = 50;

  @Option(names = "--seeds", description = "How many runs of each.")
  private int seeds = 3;

  @Option(names = "--steps", description = "Steps of a run; those of each training without.")
  private int steps;

  @Option(names = "--before", description = "Steps without the constraints before that.")
  private int before;

  @Option(names = "--uses", description = "Names of trainings; all without.", split = ";")
  private List<String> uses = List.of();

  @Option(names = "--only", description = "Words that rows begin with; all without.", split = ";")
  private List<String> only = List.of("");

  /** What a row of the table is. */
  private record Variant(String name, Maker maker) {}

  private interface Maker {
    SimultaneousOptimizer<Batch> make(Task task, Optimizer primal);
  }

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new Ablation(), args);
  }

  private static Variant variant(String name, boolean unit, boolean reach, int warm) {
    return new Variant(
        name,
        (task, primal) -> {
          var optimizer =
              new SimultaneousOptimizer<>(
                  task, primal, DualRates.controller(task.dualParameters()));
          install(task, optimizer, unit, reach, warm);
          return optimizer;
        });
  }

  private static void install(
      Task task, SimultaneousOptimizer<Batch> optimizer, boolean unit, boolean reach, int warm) {
    DualRates[] rates = {null};
    if (!reach) {
      optimizer.beforeDualStep(new ByRunningNorm(task, () -> rates[0]));
    }
    rates[0] = DualRates.of(optimizer);
    if (!unit) {
      optimizer.beforeDualStep(g -> each(task, rates[0].units(), (k, v, u) -> v.div_(u)));
    }
    if (warm > 0) {
      int[] step = {0};
      optimizer.beforeDualStep(g -> g.scale(step[0]++ < warm ? 0 : 1));
    }
  }

  private static Variant fixed(double rate) {
    return new Variant(
        String.format(Locale.ROOT, "fixed rate %s", rate),
        (task, primal) ->
            new SimultaneousOptimizer<>(
                task, primal, new SGD(task.dualParameters(), new SGDOptions(rate))));
  }

  private static List<Variant> variants() {
    return List.of(
        variant("DualRates", true, true, 0),
        new Variant(
            "without the proportional term",
            (task, primal) -> {
              var optimizer =
                  new SimultaneousOptimizer<>(
                      task, primal, new SGD(task.dualParameters(), new SGDOptions(1 / HORIZON)));
              DualRates.of(optimizer);
              return optimizer;
            }),
        variant("without the unit: u = 1", false, true, 0),
        variant("running norm of g for the reach", true, false, 0),
        variant("neither: u = 1, running norm of g", false, false, 0),
        variant("with 300 steps of warm-up", true, true, 300),
        fixed(1e-3),
        fixed(0.1),
        fixed(10));
  }

  /** In the place of T r there is the root mean square of the violation, over 1000 steps. */
  private static final class ByRunningNorm implements GradientHook {
    private final Task task;
    private final Supplier<DualRates> rates;
    private final Map<String, Tensor> squares = new HashMap<>();
    private double weight;

    ByRunningNorm(Task task, Supplier<DualRates> rates) {
      this.task = task;
      this.rates = rates;
    }

    @Override
    public void beforeStep(Gradients gradients) {
      weight = 1 - 0.999 * (1 - weight);
      each(
          task,
          rates.get().reaches(),
          (name, values, reach) -> {
            Tensor square = squares.get(name);
            if (square == null) {
              square = values.square().mul(new Scalar(0.001)).retainReference();
              squares.put(name, square);
            } else {
              square.mul_(new Scalar(0.999)).add_(values.square().mul(new Scalar(0.001)));
            }
            Tensor norm = square.div(new Scalar(weight)).sqrt().clamp_min(new Scalar(1e-30));
            values.mul_(reach.mul(new Scalar(HORIZON))).div_(norm);
          });
    }
  }

  private interface Change {
    void of(String name, Tensor gradient, Tensor number);
  }

  /** Changes the dual gradients of constraints of which there is a number. */
  private static void each(Task task, Map<String, double[]> numbers, Change change) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      task.namedConstraints()
          .forEach(
              (name, constraint) -> {
                Tensor values =
                    ((ExplicitMultiplier) constraint.multiplier().get()).weight().grad();
                if (numbers.containsKey(name) && values.defined()) {
                  double[] own = numbers.get(name);
                  Tensor number = Tensor.create(own, own.length).to(values.scalar_type());
                  change.of(name, values, number.clamp_min(new Scalar(1e-30)));
                }
              });
    }
  }

  @Override
  public Integer call() {
    Threads.setNumThreads(1);
    StringBuilder head = new StringBuilder("|");
    StringBuilder line = new StringBuilder("|---|");
    List<Use> chosen =
        Use.all().stream().filter(use -> uses.isEmpty() || uses.contains(use.name())).toList();
    for (Use use : chosen) {
      head.append(" | ").append(use.name());
      line.append("---|");
    }
    System.out.println(head.append(" |\n").append(line));
    for (Variant variant : variants()) {
      if (only.stream().anyMatch(variant.name()::startsWith)) {
        StringBuilder row = new StringBuilder("| ").append(variant.name());
        for (Use use : chosen) {
          row.append(" | ").append(cell(use, variant));
        }
        System.out.println(row.append(" |"));
      }
    }
    return 0;
  }

  /**
   * Of the last tenth of all runs: the mean violation, the worst run's, and the mean objective; and
   * of runs that were trained before, the steps that the slowest needs to be within 0.01.
   */
  private String cell(Use use, Variant variant) {
    double violation = 0;
    double worst = 0;
    double objective = 0;
    int slowest = 0;
    for (int seed = 0; seed < seeds; seed++) {
      try {
        List<Measured> run = run(use, variant, seed);
        List<Measured> last = before > 0 ? run.subList(run.size() * 9 / 10, run.size()) : run;
        double own = last.stream().mapToDouble(Measured::violation).average().orElseThrow();
        violation += own / seeds;
        worst = Math.max(worst, own);
        objective += last.stream().mapToDouble(Measured::objective).average().getAsDouble() / seeds;
        slowest = Math.max(slowest, stepsUntilFeasible(run, all(use)));
      } catch (NotFiniteException e) {
        return "diverges";
      }
    }
    String cell = String.format(Locale.ROOT, "%.4f (%.4f), f %.3f", violation, worst, objective);
    if (before == 0) {
      return cell;
    }
    return (slowest > all(use) ? "never" : slowest + " steps") + ", then " + cell;
  }

  private static int stepsUntilFeasible(List<Measured> run, int all) {
    for (int i = 0; i < run.size(); i++) {
      if (run.get(i).violation() <= 0.01) {
        return (i + 1) * every(all);
      }
    }
    return all + 1;
  }

  private int all(Use use) {
    return steps > 0 ? steps : use.steps();
  }

  private static int every(int all) {
    return Math.max(1, all / 200);
  }

  /** What each two-hundredth of a run ends at, of one that nothing was before the last ones. */
  private List<Measured> run(Use use, Variant variant, int seed) {
    List<Measured> measured = new ArrayList<>();
    try (PointerScope scope = new PointerScope()) {
      Task task = use.start(Runs.lagrangian(), seed);
      if (before > 0) {
        var free = fixed(0).maker().make(task, adam(task, use));
        Runs.train(task, free::roll, before, done -> {});
      }
      var optimizer = variant.maker().make(task, adam(task, use));
      int all = all(use);
      Runs.train(
          task,
          optimizer::roll,
          all,
          done -> {
            if (done % every(all) == 0 && (before > 0 || done > 0.9 * all)) {
              try (PointerScope temporaries = new PointerScope()) {
                measured.add(task.measure());
              }
            }
          });
    }
    return measured;
  }

  private static Adam adam(Task task, Use use) {
    return new Adam(task.variables(), new AdamOptions(use.rate()));
  }
}
