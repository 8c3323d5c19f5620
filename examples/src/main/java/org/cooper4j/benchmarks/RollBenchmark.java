package org.cooper4j.benchmarks;

import static org.bytedeco.pytorch.global.torch.cross_entropy;
import static org.bytedeco.pytorch.global.torch.manual_seed;
import static org.bytedeco.pytorch.global.torch.randint;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.rsub;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.Threads;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;

/** The problems of examples/benchmarks/run.py with this library: prints microseconds a roll. */
public final class RollBenchmark {
  private static final Scalar ONE = new Scalar(1.0);

  private final ConstrainedMinimizationProblem<Void> problem;
  private final Optimizer primal;
  private final Consumer<RollOut> after;

  private RollBenchmark(
      ConstrainedMinimizationProblem<Void> problem, Optimizer primal, Consumer<RollOut> after) {
    this.problem = problem;
    this.primal = primal;
    this.after = after;
  }

  private abstract static class Problem extends ConstrainedMinimizationProblem<Void> {
    static Constraint inequality(DenseMultiplier multiplier) {
      return new Constraint(ConstraintType.INEQUALITY, multiplier);
    }
  }

  private static final class Mnist extends Problem {
    final LinearImpl model = new LinearImpl(784, 10);
    final Tensor x = randn(128, 784);
    final Tensor y = randint(10, new long[] {128}).to(ScalarType.Long);
    final Constraint norm = register("norm", inequality(new DenseMultiplier(1)));

    @Override
    public CMPState computeCMPState(Void nothing) {
      Tensor logits = model.forward(x);
      Tensor squared = model.weight().square().sum().add(model.bias().square().sum());
      Tensor accuracy = logits.argmax(new LongOptional(1), false).eq(y).to(ScalarType.Float).mean();
      return CMPState.of(cross_entropy(logits, y))
          .observe(norm, squared.sub(ONE))
          .misc("accuracy", accuracy);
    }

    void read(RollOut out) {
      out.loss().item_float();
      ((Tensor) out.cmpState().misc().get("accuracy")).item_float();
      out.cmpState().observedConstraints().get(norm).violation().item_float();
      norm.multiplier().orElseThrow().parameters().get(0).item_float();
    }
  }

  private static final class Groups extends Problem {
    final Tensor x;
    final List<Constraint> groups = new ArrayList<>();

    Groups(int n, boolean augmented) {
      x = randn(n).requires_grad_(true);
      for (int k = 0; k < n; k++) {
        Constraint group =
            new Constraint(
                ConstraintType.INEQUALITY,
                augmented ? AugmentedLagrangian::new : Lagrangian::new,
                new DenseMultiplier(1),
                augmented ? new DensePenaltyCoefficient(Tensor.create(1f)) : null);
        groups.add(register("c" + k, group));
      }
    }

    @Override
    public CMPState computeCMPState(Void nothing) {
      CMPState state = CMPState.of(x.square().sum());
      for (int k = 0; k < groups.size(); k++) {
        state.observe(groups.get(k), rsub(x.select(0, k), ONE));
      }
      return state;
    }
  }

  private static final class Table extends Problem {
    final Tensor x;
    final Tensor indices;
    final Constraint constraint;

    Table(long n, boolean indexed) {
      x = randn(indexed ? 256 : n).requires_grad_(true);
      indices = indexed ? randint(n, new long[] {256}).to(ScalarType.Long) : null;
      constraint =
          register(
              "c",
              new Constraint(
                  ConstraintType.INEQUALITY,
                  indexed ? new IndexedMultiplier(n) : new DenseMultiplier(n)));
    }

    @Override
    public CMPState computeCMPState(Void nothing) {
      ConstraintState.Builder state = ConstraintState.builder(rsub(x, ONE));
      if (indices != null) {
        state.constraintFeatures(indices);
      }
      return CMPState.of(x.square().sum()).observe(constraint, state.build());
    }
  }

  private static SGD sgd(Tensor x) {
    return new SGD(new TensorVector(x), new SGDOptions(1e-3));
  }

  private static RollBenchmark of(String kind, int n) {
    switch (kind) {
      case "mnist" -> {
        Mnist mnist = new Mnist();
        AdamOptions options = new AdamOptions(1e-3);
        options.amsgrad().put(true);
        return new RollBenchmark(mnist, new Adam(mnist.model.parameters(), options), mnist::read);
      }
      case "groups" -> {
        Groups groups = new Groups(n, false);
        return new RollBenchmark(groups, sgd(groups.x), out -> {});
      }
      case "augmented" -> {
        Groups groups = new Groups(n, true);
        var updater = new MultiplicativePenaltyCoefficientUpdater(1.0001, 1e-4, false);
        return new RollBenchmark(
            groups, sgd(groups.x), out -> updater.step(out.cmpState().observedConstraints()));
      }
      default -> {
        Table table = new Table(n, kind.equals("indexed"));
        return new RollBenchmark(table, sgd(table.x), out -> {});
      }
    }
  }

  private double measure(double seconds) {
    var optimizer =
        new SimultaneousOptimizer<>(
            problem, primal, new SGD(problem.dualParameters(), new SGDOptions(1e-3)));
    long start = System.nanoTime();
    while (System.nanoTime() - start < seconds / 2 * 1e9) {
      after.accept(optimizer.roll());
    }
    long rolls = 0;
    start = System.nanoTime();
    for (; System.nanoTime() - start < seconds * 1e9; rolls++) {
      after.accept(optimizer.roll());
    }
    return (System.nanoTime() - start) / 1e3 / rolls;
  }

  /** Arguments: a problem such as {@code groups:100}, and how many seconds to measure. */
  public static void main(String[] args) {
    Threads.setNumThreads(1);
    manual_seed(0);
    int colon = args[0].indexOf(':');
    String kind = colon < 0 ? args[0] : args[0].substring(0, colon);
    int n = colon < 0 ? 0 : Integer.parseInt(args[0].substring(colon + 1));
    double micros = of(kind, n).measure(Double.parseDouble(args[1]));
    System.out.println(String.format(Locale.ROOT, "%.3f", micros));
  }
}
