package org.cooper4j.examples;

import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.LinearImpl;
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
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.training.Panel;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Separates a mixture of Gaussians by a line under a rate constraint: at least 70% of the points
 * are to be predicted blue (class 0).
 *
 * <p>The rate is not differentiable. Its smooth surrogate alone ends at 66%; with the true rate as
 * strict violation for the multiplier (a proxy constraint) the model reaches 70%. Cooper's tutorial
 * {@code plot_gaussian_mixture}, after figure 2 of Cotter et al. (2019).
 */
@Command(
    name = "gaussian-mixture",
    description = "Trains a linear classifier under a rate constraint.")
public final class GaussianMixture implements Callable<Integer> {
  private static final double LEVEL = 0.7;
  private static final int STEPS = 5000;
  private static final double[][] MEANS = {{0, 1}, {-1, 0}, {0, -1}, {1, 0}};
  private static final int SAMPLES = 100;
  private static final int BLUE = 0;
  private static final int RED = 3;

  @Mixin private CommonOptions options;

  private enum Kind {
    UNCONSTRAINED("Unconstrained"),
    SURROGATE("Const w/ Surrogate"),
    PROXY("Proxy Const");

    final String title;

    Kind(String title) {
      this.title = title;
    }
  }

  /** The problem; a batch has inputs {@code [n, 2]} and targets {@code [n]} of 0 and 1. */
  static final class MixtureSeparation extends ConstrainedMinimizationProblem<Batch> {
    private final LinearImpl model;
    private final Kind kind;
    private Constraint rateConstraint;

    MixtureSeparation(LinearImpl model, Kind kind, Device device) {
      this.model = model;
      this.kind = kind;
      if (kind != Kind.UNCONSTRAINED) {
        DenseMultiplier multiplier = new DenseMultiplier(1, device, ScalarType.Float);
        rateConstraint =
            register("rate_constraint", new Constraint(ConstraintType.INEQUALITY, multiplier));
      }
    }

    @Override
    public CMPState computeCMPState(Batch batch) {
      Tensor logits = model.forward(batch.inputs()).flatten();
      CMPState state = CMPState.of(torch.binary_cross_entropy_with_logits(logits, batch.targets()));
      if (kind == Kind.UNCONSTRAINED) {
        return state;
      }
      // The surrogate of the rate: the mean probability of class 0.
      Tensor probability = logits.sigmoid().neg().add(new Scalar(1.0)).mean();
      ConstraintState.Builder rate = ConstraintState.builder(shortfall(probability));
      if (kind == Kind.PROXY) {
        rate.strictViolation(shortfall(rateOfBlue(logits.detach())));
      }
      return state.observe(rateConstraint, rate.build());
    }

    private static Tensor shortfall(Tensor rate) {
      return rate.neg().add(new Scalar(LEVEL));
    }
  }

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new GaussianMixture(), args);
  }

  @Override
  public Integer call() throws IOException {
    torch.manual_seed(0);
    Batch data = mixture();
    Picture picture = new Picture();
    for (Kind kind : Kind.values()) {
      LinearImpl model = train(kind, data);
      double rate = 100 * rate(model, data);
      String title = String.format(Locale.ROOT, "%s - Pred. Blue: %.0f%%", kind.title, rate);
      System.out.println(title);
      draw(picture.panel(title), model, data);
    }
    options.save(picture, "gaussian_mixture", 3);
    return 0;
  }

  private Batch mixture() {
    TensorVector inputs = new TensorVector();
    TensorVector targets = new TensorVector();
    for (int i = 0; i < MEANS.length; i++) {
      Tensor mean = Tensor.create(MEANS[i]).to(ScalarType.Float);
      // The variance in each direction is that of Cooper's tutorial: 0.05.
      Tensor noise = torch.randn(SAMPLES, 2).mul(new Scalar(Math.sqrt(0.05)));
      inputs.push_back(noise.add(mean));
      targets.push_back(torch.full(new long[] {SAMPLES}, new Scalar(i < 2 ? 1.0 : 0.0)));
    }
    return new Batch(
        torch.cat(inputs).to(options.device, ScalarType.Float),
        torch.cat(targets).to(options.device, ScalarType.Float));
  }

  private LinearImpl train(Kind kind, Batch data) {
    LinearImpl model = new LinearImpl(2, 1);
    model.to(options.device, false);
    MixtureSeparation cmp = new MixtureSeparation(model, kind, options.device);
    SGD primalOptimizer = new SGD(model.parameters(), momentum());
    CooperOptimizer<Batch> cooperOptimizer =
        kind == Kind.UNCONSTRAINED
            ? new UnconstrainedOptimizer<>(cmp, primalOptimizer)
            : new SimultaneousOptimizer<>(
                cmp, primalOptimizer, new SGD(cmp.dualParameters(), momentum()));
    for (int step = 0; step < STEPS; step++) {
      cooperOptimizer.roll(data);
    }
    return model;
  }

  private static SGDOptions momentum() {
    SGDOptions sgd = new SGDOptions(2e-2);
    sgd.momentum().put(0.7);
    return sgd;
  }

  private static Tensor rateOfBlue(Tensor logits) {
    return logits.lt(new Scalar(0.0)).to(ScalarType.Float).mean();
  }

  private static double rate(LinearImpl model, Batch data) {
    try (NoGradGuard noGrad = new NoGradGuard();
        PointerScope temporaries = new PointerScope()) {
      return rateOfBlue(model.forward(data.inputs())).item_double();
    }
  }

  private static void draw(Panel panel, LinearImpl model, Batch data) {
    double[] weight = Values.of(model.weight());
    double bias = Values.of(model.bias())[0];
    double[] x1 = {-2, 2};
    double[] x2 = Arrays.stream(x1).map(x -> -(weight[0] * x + bias) / weight[1]).toArray();

    double[] points = Values.of(data.inputs());
    double[] targets = Values.of(data.targets());
    double[] corners = {-2, 2, 2, -2};
    panel
        .range(-2, 2)
        .colour(BLUE)
        .area(corners, new double[] {-2, -2, x2[1], x2[0]})
        .colour(RED)
        .area(corners, new double[] {2, 2, x2[1], x2[0]})
        .colour(RED)
        .points(null, column(points, targets, 0, 1), column(points, targets, 1, 1))
        .colour(BLUE)
        .points(null, column(points, targets, 0, 0), column(points, targets, 1, 0))
        .dashed(x1, x2);
  }

  /** One coordinate of the points of a class. */
  private static double[] column(double[] points, double[] targets, int axis, int target) {
    return IntStream.range(0, targets.length)
        .filter(i -> targets[i] == target)
        .mapToDouble(i -> points[2 * i + axis])
        .toArray();
  }
}
