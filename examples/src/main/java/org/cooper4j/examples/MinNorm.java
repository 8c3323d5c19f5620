package org.cooper4j.examples;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.training.History;
import org.cooper4j.training.Panel;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Finds the min-norm solution of a linear system of which each step observes a sample of equations:
 *
 * <pre>min ‖x‖²  subject to  Ax = b</pre>
 *
 * <p>An indexed multiplier updates the observed equations alone. Cooper's tutorial {@code
 * plot_min_norm}.
 */
@Command(
    name = "min-norm",
    description = "Finds the min-norm solution of a linear system with sampled equations.")
public final class MinNorm implements Callable<Integer> {
  private static final int EQUATIONS = 100;
  private static final int VARIABLES = 500;
  private static final int STEPS = 5000;

  @Mixin private CommonOptions options;

  /** The problem; a batch has equations as inputs, {@code [m, n]}, and their indices as targets. */
  static final class Problem extends ConstrainedMinimizationProblem<Batch> {
    private final Tensor x;
    private final Tensor rightHandSide;
    private final IndexedMultiplier multiplier;
    private final Constraint equations;

    Problem(Tensor x, LinearSystem system, Device device) {
      this.x = x;
      rightHandSide = system.b;
      multiplier = new IndexedMultiplier(system.b.size(0), device, ScalarType.Float);
      equations = register("eq_constraint", new Constraint(ConstraintType.EQUALITY, multiplier));
    }

    @Override
    public CMPState computeCMPState(Batch sample) {
      Tensor indices = sample.targets();
      Tensor loss = torch.linalg_vector_norm(x).square();
      Tensor violation = sample.inputs().matmul(x).sub(rightHandSide.index_select(0, indices));
      return CMPState.of(loss)
          .observe(
              equations,
              ConstraintState.builder(violation.view(-1)).constraintFeatures(indices).build());
    }
  }

  /** A solvable system whose singular values are 1, with its solution of least norm. */
  static final class LinearSystem {
    final Tensor a;
    final Tensor b;
    final Tensor solution;

    LinearSystem(int equations, int variables, Device device) {
      var svd = torch.linalg_svd(torch.randn(equations, variables));
      Tensor u = svd.get0();
      Tensor v = svd.get2();
      Tensor s = torch.eye(equations, variables);
      Tensor matrix = u.matmul(s).matmul(v.t());
      Tensor image = matrix.matmul(torch.randn(variables, 1));
      Tensor unit = image.div(torch.linalg_vector_norm(image));
      a = matrix.to(device, ScalarType.Float);
      b = unit.to(device, ScalarType.Float);
      solution = v.matmul(s.t().matmul(u.t().matmul(unit))).to(device, ScalarType.Float);
    }
  }

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new MinNorm(), args);
  }

  @Override
  public Integer call() throws IOException {
    Picture picture = new Picture();
    for (double frequency : new double[] {1.0, 0.5, 0.25}) {
      int sample = (int) (frequency * EQUATIONS);
      String label = "Constraint Frequency: %d%%".formatted(sample * 100 / EQUATIONS);
      draw(picture, label, solve(label, sample));
    }
    options.save(picture, "min_norm", 4);
    return 0;
  }

  private record Run(History metrics, List<double[]> multipliers) {}

  private Run solve(String label, int sample) {
    torch.manual_seed(135);
    LinearSystem system = new LinearSystem(EQUATIONS, VARIABLES, options.device);
    double optimum = torch.linalg_vector_norm(system.solution).square().item_double();

    torch.manual_seed(246);
    Tensor start = torch.rand(VARIABLES, 1).div(new Scalar(Math.sqrt(VARIABLES)));
    Tensor x = start.to(options.device, ScalarType.Float).requires_grad_(true);
    Problem cmp = new Problem(x, system, options.device);

    SGDOptions momentum = new SGDOptions(1e-3);
    momentum.momentum().put(0.9);
    SimultaneousOptimizer<Batch> cooperOptimizer =
        new SimultaneousOptimizer<>(
            cmp,
            new SGD(new TensorVector(x), momentum),
            new SGD(cmp.dualParameters(), new SGDOptions(1e-2)));

    Tensor indices = torch.arange(new Scalar(EQUATIONS)).to(options.device, ScalarType.Long);
    DataLoader samples =
        DataLoader.builder(new TensorDataset(system.a, indices))
            .batchSize(sample)
            .shuffle(246)
            .dropLast()
            .device(options.device)
            .build();

    History metrics = new History();
    List<double[]> multipliers = new ArrayList<>();
    int step = 0;
    while (step < STEPS) {
      for (Batch batch : samples) {
        step++;
        RollOut rollOut = cooperOptimizer.roll(batch);
        try (NoGradGuard noGrad = new NoGradGuard();
            PointerScope temporaries = new PointerScope()) {
          metrics.add(
              step,
              Map.of(
                  "relative_norm",
                  rollOut.loss().item_double() / optimum,
                  "x_gap",
                  x.sub(system.solution).abs().max().item_double(),
                  "max_abs_violation",
                  system.a.matmul(x).sub(system.b).abs().max().item_double()));
          multipliers.add(Values.of(cmp.multiplier.weight()));
        }
      }
    }
    System.out.printf(
        Locale.ROOT,
        "%s: norm / optimum %.4f, violation %.1e%n",
        label,
        metrics.last("relative_norm"),
        metrics.last("max_abs_violation"));
    return new Run(metrics, multipliers);
  }

  private static void draw(Picture picture, String label, Run run) {
    History metrics = run.metrics;
    double[] steps = Values.of(metrics.steps("relative_norm"));
    picture
        .panel("‖x‖² / ‖x*‖²")
        .xLabel("Step")
        .yLabel(label)
        .line(steps, metrics.values("relative_norm"))
        .level(1);
    Panel multipliers = picture.panel("Multipliers").xLabel("Step");
    for (int i = 0; i < EQUATIONS; i++) {
      int equation = i;
      multipliers.line(steps, run.multipliers.stream().mapToDouble(row -> row[equation]).toArray());
    }
    picture.panel("max |x − x*|").xLabel("Step").logarithmic().line(steps, metrics.values("x_gap"));
    picture
        .panel("max |Ax − b|")
        .xLabel("Step")
        .logarithmic()
        .line(steps, metrics.values("max_abs_violation"));
  }
}
