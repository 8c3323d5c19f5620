package org.cooper4j.examples;

import java.io.IOException;
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
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.AlternatingDualPrimalOptimizer;
import org.cooper4j.training.History;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Finds the matrix that maps y to z under a constraint on its singular values:
 *
 * <pre>min ½‖Xy − z‖²  subject to  Π σᵢ(X) = 1</pre>
 *
 * <p>The constraint needs a singular value decomposition, so that it is measured every 100th step,
 * for the multiplier alone. The other steps drive X with a cheap surrogate, the mean of the squared
 * singular values. Cooper's tutorial {@code plot_infrequent_true_constraint}.
 */
@Command(
    name = "infrequent-true-constraint",
    description = "Updates the multiplier from a costly constraint that is seldom measured.")
public final class InfrequentTrueConstraint implements Callable<Integer> {
  private static final int DIMENSION = 4;
  private static final int MAX_STEPS = 50_000;
  private static final int TRUE_CONSTRAINT_EVERY = 100;
  private static final double TOLERANCE = 1e-4;

  @Mixin private CommonOptions options;

  /** The problem; a batch says whether to measure the true constraint. */
  static final class Problem extends ConstrainedMinimizationProblem<Boolean> {
    final DenseMultiplier multiplier;
    private final Tensor x;
    private final Tensor y;
    private final Tensor z;
    private final Constraint singularValues;

    Problem(Tensor x, Tensor y, Tensor z, Device device) {
      this.x = x;
      this.y = y;
      this.z = z;
      multiplier = new DenseMultiplier(1, device, ScalarType.Float);
      singularValues =
          register("sv_constraint", new Constraint(ConstraintType.EQUALITY, multiplier));
    }

    Tensor loss() {
      return x.matmul(y).sub(z).norm().square().div(new Scalar(2.0));
    }

    /** The mean of the squared singular values: the trace of XXᵀ over the dimension. */
    Tensor arithmeticMean() {
      return x.square().sum().div(new Scalar(DIMENSION));
    }

    Tensor product() {
      return torch.linalg_svdvals(x.detach()).prod();
    }

    @Override
    public CMPState computeCMPState(Boolean isTrueConstraint) {
      // The surrogate only gives a direction: it needs no offset by the constraint level.
      Tensor violation = isTrueConstraint ? product().sub(new Scalar(1.0)) : arithmeticMean();
      return CMPState.of(loss())
          .observe(
              singularValues,
              ConstraintState.builder(violation)
                  .contributesToPrimalUpdate(!isTrueConstraint)
                  .contributesToDualUpdate(isTrueConstraint)
                  .build());
    }
  }

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new InfrequentTrueConstraint(), args);
  }

  @Override
  public Integer call() throws IOException {
    torch.manual_seed(0);
    // A matrix of singular values 1 makes z, so that the problem has a solution.
    var svd = torch.linalg_svd(torch.randn(DIMENSION, DIMENSION));
    Tensor solution = svd.get0().matmul(svd.get2().t());
    Tensor y = torch.randn(DIMENSION, 1);
    Tensor z = solution.matmul(y);
    Tensor x = torch.randn(DIMENSION, DIMENSION).div(new Scalar(DIMENSION));
    x = x.to(options.device, ScalarType.Float).requires_grad_(true);

    Problem cmp = new Problem(x, unit(y), unit(z), options.device);
    AlternatingDualPrimalOptimizer<Boolean> cooperOptimizer =
        new AlternatingDualPrimalOptimizer<>(
            cmp,
            new SGD(new TensorVector(x), new SGDOptions(3e-2)),
            new SGD(cmp.dualParameters(), new SGDOptions(1e-1)));

    History history = new History();
    record(history, 0, cmp);
    boolean converged = false;
    for (int step = 0; step < MAX_STEPS && !converged; ) {
      try (PointerScope temporaries = new PointerScope()) {
        Tensor before = x.detach().clone();
        for (int i = 0; i < TRUE_CONSTRAINT_EVERY; i++) {
          cooperOptimizer.roll(i == 0);
          record(history, ++step, cmp);
        }
        // A single step might only pass through a point where X stands still.
        converged = before.allclose(x, 0, TOLERANCE, false);
      }
    }
    report(history);
    return 0;
  }

  private Tensor unit(Tensor vector) {
    return vector.div(vector.norm()).to(options.device, ScalarType.Float);
  }

  private static void record(History history, int step, Problem cmp) {
    try (NoGradGuard noGrad = new NoGradGuard();
        PointerScope temporaries = new PointerScope()) {
      history.add(
          step,
          Map.of(
              "loss",
              cmp.loss().item_double(),
              "arithmetic_mean",
              cmp.arithmeticMean().item_double(),
              "product",
              cmp.product().item_double(),
              "multiplier",
              cmp.multiplier.weight().item_double()));
    }
  }

  private void report(History history) throws IOException {
    double[] steps = Values.of(history.steps("loss"));
    System.out.printf(
        Locale.ROOT,
        "after %.0f steps: loss %.1e, product of the singular values %.4f%n",
        steps[steps.length - 1],
        history.last("loss"),
        history.last("product"));

    Picture picture = new Picture();
    picture.panel("MSE Loss").xLabel("Iteration").logarithmic().line(steps, history.values("loss"));
    picture
        .panel("Arith. mean sq. singular values")
        .xLabel("Iteration")
        .line(steps, history.values("arithmetic_mean"));
    picture
        .panel("Product of singular values")
        .xLabel("Iteration")
        .line(steps, history.values("product"))
        .level(1);
    picture
        .panel("Multiplier")
        .xLabel("Iteration")
        .line(steps, history.values("multiplier"))
        .level(0);
    options.save(picture, "infrequent_true_constraint", 2);
  }
}
