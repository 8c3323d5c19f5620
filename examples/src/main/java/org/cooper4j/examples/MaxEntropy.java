package org.cooper4j.examples;

import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.pytorch.Device;
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
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIOptions;
import org.cooper4j.training.History;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Finds the distribution of maximum entropy over the faces of a die whose average roll is 4.5:
 *
 * <pre>max −Σ pᵢ log pᵢ  subject to  Σ i pᵢ = 4.5,  Σ pᵢ = 1</pre>
 *
 * <p>The νPI controller updates the multipliers, which damps their oscillations. Cooper's tutorial
 * {@code plot_max_entropy}.
 */
@Command(
    name = "max-entropy",
    description = "Finds a maximum entropy distribution with the Lagrangian approach.")
public final class MaxEntropy implements Callable<Integer> {
  /** Cooper's tutorial stops at 3000, where the entropy is 1.6153. */
  private static final int STEPS = 10_000;

  private static final double[] OPTIMUM = {0.05435, 0.07877, 0.1142, 0.1654, 0.2398, 0.3475};

  @Mixin private CommonOptions options;

  /** The problem; a batch is the logarithms of the probabilities, shape {@code [faces]}. */
  static final class Problem extends ConstrainedMinimizationProblem<Tensor> {
    final Constraint meanConstraint;
    final Constraint sumConstraint;
    private final double targetMean;
    private final Tensor faces;

    Problem(double targetMean, Device device) {
      this.targetMean = targetMean;
      faces = Tensor.create(1.0, 2.0, 3.0, 4.0, 5.0, 6.0).to(device, ScalarType.Float);
      meanConstraint = register("mean_constraint", equality(device));
      sumConstraint = register("sum_constraint", equality(device));
    }

    private static Constraint equality(Device device) {
      return new Constraint(
          ConstraintType.EQUALITY, new DenseMultiplier(1, device, ScalarType.Float));
    }

    @Override
    public CMPState computeCMPState(Tensor logProbs) {
      Tensor probs = logProbs.exp();
      Tensor negativeEntropy = probs.mul(logProbs).sum();
      Tensor mean = probs.mul(faces).sum();
      return CMPState.of(negativeEntropy)
          .equal(sumConstraint, probs.sum(), 1)
          .equal(meanConstraint, mean, targetMean);
    }
  }

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new MaxEntropy(), args);
  }

  @Override
  public Integer call() throws IOException {
    Problem cmp = new Problem(4.5, options.device);
    Tensor uniform = torch.ones(6).div(new Scalar(6.0)).log();
    Tensor logProbs = uniform.to(options.device, ScalarType.Float).requires_grad_(true);

    SGD primalOptimizer = new SGD(new TensorVector(logProbs), new SGDOptions(3e-2));
    NuPI dualOptimizer = new NuPI(cmp.dualParameters(), new NuPIOptions(1e-2).kp(10));
    SimultaneousOptimizer<Tensor> cooperOptimizer =
        new SimultaneousOptimizer<>(cmp, primalOptimizer, dualOptimizer);

    History history = new History();
    for (int step = 0; step < STEPS; step++) {
      RollOut rollOut = cooperOptimizer.roll(logProbs);
      var multipliers = rollOut.primalLagrangianStore().multiplierValues();
      var observed = rollOut.cmpState().observedConstraints();
      history.add(
          step,
          Map.of(
              "entropy",
              -rollOut.loss().item_double(),
              "sum_multiplier",
              multipliers.get(cmp.sumConstraint).item_double(),
              "mean_multiplier",
              multipliers.get(cmp.meanConstraint).item_double(),
              "sum_gap",
              observed.get(cmp.sumConstraint).violation().item_double(),
              "mean_gap",
              observed.get(cmp.meanConstraint).violation().item_double()));
    }
    report(history);
    return 0;
  }

  private void report(History history) throws IOException {
    double optimalEntropy = 0;
    for (double probability : OPTIMUM) {
      optimalEntropy -= probability * Math.log(probability);
    }
    double[] steps = Values.of(history.steps("entropy"));
    System.out.printf(
        Locale.ROOT, "entropy %.4f, optimum %.4f%n", history.last("entropy"), optimalEntropy);

    Picture picture = new Picture();
    picture
        .panel("Multipliers")
        .line(steps, history.values("sum_multiplier"))
        .line(steps, history.values("mean_multiplier"))
        .level(0);
    picture
        .panel("Constraint Violations")
        .line("sum", steps, history.values("sum_gap"))
        .line("mean", steps, history.values("mean_gap"))
        .level(0);
    picture.panel("Objective").line(steps, history.values("entropy")).level(optimalEntropy);
    options.save(picture, "max_entropy", 3);
  }
}
