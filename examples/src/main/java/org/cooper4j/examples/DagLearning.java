package org.cooper4j.examples;

import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.penalties.AdditivePenaltyCoefficientUpdater;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.training.History;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Learns which variables depend on which from samples, as a directed acyclic graph:
 *
 * <pre>min ‖X − XAᵀ‖² + r ‖A‖₁  subject to  tr(exp A) = d</pre>
 *
 * <p>The constraint says that A has no cycles (Zheng et al., 2018); it has a quadratic penalty.
 * Cooper's tutorial {@code plot_dag_learning}; the samples are generated here.
 */
@Command(
    name = "dag-learning",
    description = "Learns a directed acyclic graph with a quadratic penalty.")
public final class DagLearning implements Callable<Integer> {
  private static final int VARIABLES = 5;

  /** How many parents each variable has. */
  private static final int[] PARENTS = {0, 1, 1, 2, 1};

  private static final int SAMPLES = 5000;
  private static final double NOISE = 1e-2;
  private static final int STEPS = 2000;

  @Mixin private CommonOptions options;

  /** The problem; a batch is the adjacency matrix, {@code [d, d]}: rows depend on columns. */
  static final class Problem extends ConstrainedMinimizationProblem<Tensor> {
    private static final Scalar SPARSITY = new Scalar(1e-3);
    private final Tensor samples;
    private final DensePenaltyCoefficient penalty = new DensePenaltyCoefficient(1.0);
    private final Constraint acyclic;

    Problem(Tensor samples, Device device) {
      this.samples = samples;
      acyclic =
          register(
              "constraint",
              new Constraint(ConstraintType.EQUALITY, QuadraticPenalty::new, null, penalty));
      to(device);
    }

    @Override
    public CMPState computeCMPState(Tensor adjacency) {
      Tensor error = samples.sub(samples.matmul(adjacency.t())).square().sum();
      // The operator norm for p = 1, as Cooper's tutorial has it: the largest column sum.
      Tensor sparsity = adjacency.abs().sum(0).max().mul(SPARSITY);
      Tensor violation = torch.matrix_exp(adjacency).trace().sub(new Scalar(VARIABLES));
      return CMPState.of(error.add(sparsity))
          .observe(
              acyclic, ConstraintState.builder(violation).contributesToDualUpdate(false).build());
    }
  }

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new DagLearning(), args);
  }

  @Override
  public Integer call() throws IOException {
    torch.manual_seed(1);
    double[][] truth = graph();
    Problem cmp = new Problem(samples(truth), options.device);
    Tensor start = torch.randn(VARIABLES, VARIABLES).div(new Scalar(Math.sqrt(VARIABLES)));
    Tensor adjacency = start.to(options.device, ScalarType.Float).requires_grad_(true);

    SGDOptions momentum = new SGDOptions(1e-2);
    momentum.momentum().put(0.9);
    UnconstrainedOptimizer<Tensor> optimizer =
        new UnconstrainedOptimizer<>(cmp, new SGD(new TensorVector(adjacency), momentum));
    // Raises the coefficient while the graph has cycles beyond the tolerance.
    AdditivePenaltyCoefficientUpdater penaltyUpdater =
        new AdditivePenaltyCoefficientUpdater(1.0, 1e-4, true);

    History history = new History();
    for (int step = 0; step < STEPS; step++) {
      RollOut rollOut = optimizer.roll(adjacency);
      keepValid(adjacency);
      var observed = rollOut.cmpState().observedConstraints();
      penaltyUpdater.step(observed);
      if (step % (STEPS / 100) == 0) {
        history.add(
            step,
            Map.of(
                "loss",
                rollOut.loss().item_double(),
                "violation",
                observed.get(cmp.acyclic).violation().item_double(),
                "penalty",
                cmp.penalty.value().item_double()));
      }
    }
    report(history, matrix(Values.of(adjacency)), truth);
    return 0;
  }

  /** A variable's parents come before it, so that no path returns. */
  private static double[][] graph() {
    double[][] adjacency = new double[VARIABLES][VARIABLES];
    adjacency[1][0] = 1;
    for (int i = 2; i < VARIABLES; i++) {
      double[] before = Values.of(torch.randperm(i));
      for (int k = 0; k < PARENTS[i]; k++) {
        adjacency[i][(int) before[k]] = 1;
      }
    }
    return adjacency;
  }

  /** Each variable is the sum of its parents and noise; shape {@code [samples, variables]}. */
  private Tensor samples(double[][] graph) {
    Tensor noise = torch.randn(SAMPLES, VARIABLES).mul(new Scalar(NOISE));
    Tensor[] columns = new Tensor[VARIABLES];
    for (int i = 0; i < VARIABLES; i++) {
      columns[i] = noise.select(1, i);
      for (int parent = 0; parent < i; parent++) {
        if (graph[i][parent] == 1) {
          columns[i] = columns[i].add(columns[parent]);
        }
      }
    }
    // The scale improves the conditioning.
    Tensor all = torch.stack(new TensorVector(columns), 1).div(new Scalar(Math.sqrt(VARIABLES)));
    return all.to(options.device, ScalarType.Float);
  }

  /** Sets the diagonal to 0, since nothing depends on itself, and keeps the others in [0, 1]. */
  private static void keepValid(Tensor adjacency) {
    try (NoGradGuard noGrad = new NoGradGuard();
        Scalar zero = new Scalar(0.0);
        Scalar one = new Scalar(1.0);
        ScalarOptional least = new ScalarOptional(zero);
        ScalarOptional most = new ScalarOptional(one)) {
      adjacency.fill_diagonal_(zero);
      adjacency.clamp_(least, most);
    }
  }

  private static double[][] matrix(double[] values) {
    double[][] rows = new double[VARIABLES][];
    for (int i = 0; i < VARIABLES; i++) {
      rows[i] = Arrays.copyOfRange(values, i * VARIABLES, (i + 1) * VARIABLES);
    }
    return rows;
  }

  private void report(History history, double[][] learned, double[][] truth) throws IOException {
    double[][] difference = new double[VARIABLES][VARIABLES];
    double largest = 0;
    for (int i = 0; i < VARIABLES; i++) {
      for (int j = 0; j < VARIABLES; j++) {
        difference[i][j] = Math.abs(learned[i][j] - truth[i][j]);
        largest = Math.max(largest, difference[i][j]);
      }
    }
    System.out.printf(
        Locale.ROOT, "largest difference of the learned graph to the true one: %.3f%n", largest);

    double[] steps = Values.of(history.steps("loss"));
    Picture picture = new Picture();
    picture.panel("Loss").xLabel("Steps").logarithmic().line(steps, history.values("loss"));
    picture.panel("Penalty coefficient").xLabel("Steps").line(steps, history.values("penalty"));
    picture.panel("Difference (Learned, GT)").matrix(difference);
    picture.panel("Learned").matrix(learned);
    picture.panel("Ground truth").matrix(truth);
    options.save(picture, "dag_learning", 5);
  }
}
