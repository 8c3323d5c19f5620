package org.cooper4j.examples;

import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
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
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Formulation;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.penalties.AdditivePenaltyCoefficientUpdater;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.training.History;
import org.cooper4j.training.Panel;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Compares the augmented Lagrangian with the quadratic penalty on problem 17.3 of Nocedal and
 * Wright, whose solution is (−1, −1):
 *
 * <pre>min x₁ + x₂  subject to  x₁² + x₂² = 2</pre>
 *
 * <p>The quadratic penalty needs an ever larger coefficient to become feasible, which makes it
 * unstable; the augmented Lagrangian converges with a finite one. Cooper's tutorial {@code
 * plot_augmented_lagrangian}.
 */
@Command(
    name = "augmented-lagrangian",
    description = "Compares the augmented Lagrangian with the quadratic penalty.")
public final class AugmentedLagrangian2D implements Callable<Integer> {
  private static final int STEPS = 5000;

  @Mixin private CommonOptions options;

  /** The problem; a batch is x, shape {@code [2]}. */
  static final class Problem2D extends ConstrainedMinimizationProblem<Tensor> {
    private final Constraint constraint;
    private final DensePenaltyCoefficient penalty;

    Problem2D(
        Function<ConstraintType, Formulation> formulation,
        DenseMultiplier multiplier,
        Device device) {
      penalty = new DensePenaltyCoefficient(0.0);
      constraint =
          register(
              "constraint",
              new Constraint(ConstraintType.EQUALITY, formulation, multiplier, penalty));
      to(device);
    }

    @Override
    public CMPState computeCMPState(Tensor x) {
      Tensor violation = x.square().sum().sub(new Scalar(2.0));
      return CMPState.of(x.sum())
          .observe(
              constraint,
              ConstraintState.builder(violation)
                  .contributesToDualUpdate(constraint.multiplier().isPresent())
                  .build());
    }
  }

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new AugmentedLagrangian2D(), args);
  }

  @Override
  public Integer call() throws IOException {
    History penalized = train(new Problem2D(QuadraticPenalty::new, null, options.device));
    History augmented =
        train(new Problem2D(AugmentedLagrangian::new, new DenseMultiplier(1), options.device));

    print("quadratic penalty", penalized);
    print("augmented Lagrangian", augmented);

    Picture picture = new Picture();
    draw(picture.panel("Convergence Comparison"), "distance", penalized, augmented)
        .yLabel("Distance to Optimal Solution");
    draw(picture.panel("Penalty Coefficient Evolution"), "penalty", penalized, augmented)
        .yLabel("Penalty Coefficient");
    options.save(picture, "augmented_lagrangian", 2);
    return 0;
  }

  private History train(Problem2D problem) {
    Tensor x = vector(1, 1).requires_grad_(true);
    Tensor optimum = vector(-1, -1);

    SGDOptions momentum = new SGDOptions(1e-2);
    momentum.momentum().put(0.9);
    SGD primalOptimizer = new SGD(new TensorVector(x), momentum);
    // Formulations without multipliers need no dual optimizer.
    CooperOptimizer<Tensor> optimizer =
        problem.multipliers().isEmpty()
            ? new UnconstrainedOptimizer<>(problem, primalOptimizer)
            : new SimultaneousOptimizer<>(
                problem, primalOptimizer, new SGD(problem.dualParameters(), new SGDOptions(1e-2)));

    // Raises the coefficient while the constraint is violated by more than the tolerance.
    AdditivePenaltyCoefficientUpdater penaltyUpdater =
        new AdditivePenaltyCoefficientUpdater(1e-2, 1e-3, true);

    History history = new History();
    for (int step = 0; step < STEPS; step++) {
      RollOut rollOut = optimizer.roll(x);
      penaltyUpdater.step(rollOut.cmpState().observedConstraints());
      try (PointerScope temporaries = new PointerScope()) {
        history.add(
            step,
            Map.of(
                "distance",
                x.detach().sub(optimum).norm().item_double(),
                "penalty",
                problem.penalty.value().item_double()));
      }
    }
    return history;
  }

  private Tensor vector(double... values) {
    return Tensor.create(values).to(options.device, ScalarType.Float);
  }

  private static void print(String formulation, History history) {
    System.out.printf(
        Locale.ROOT,
        "%s: distance %.1e with penalty coefficient %.2f%n",
        formulation,
        history.last("distance"),
        history.last("penalty"));
  }

  private static Panel draw(Panel panel, String column, History penalized, History augmented) {
    return panel
        .xLabel("Iteration")
        .logarithmic()
        .line("Quadratic Penalty", Values.of(penalized.steps("distance")), penalized.values(column))
        .line(
            "Augmented Lagrangian",
            Values.of(augmented.steps("distance")),
            augmented.values(column));
  }
}
