package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.here;
import static org.cooper4j.Devices.values;

import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.EveryDevice;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.Test;

/** The problems of ensmallen's tests of its augmented Lagrangian optimizer. */
@EveryDevice
class ConvergenceTest {
  private static Tensor vector(double... values) {
    return here(Tensor.create(values, values.length));
  }

  private static Tensor times(Tensor tensor, double factor) {
    return tensor.mul(new Scalar(factor));
  }

  private static Tensor plus(Tensor tensor, double summand) {
    return tensor.add(new Scalar(summand));
  }

  /** Minimises f subject to h = 0 with a fixed penalty; the dual rate is the penalty. */
  private static double[] solve(
      Tensor x,
      Function<Tensor, Tensor> f,
      Function<Tensor, Tensor> h,
      int constraints,
      double penalty,
      double rate,
      int rolls) {
    Tensor zeros = vector(new double[constraints]);
    Constraint equality =
        new Constraint(
            ConstraintType.EQUALITY,
            AugmentedLagrangian::new,
            new DenseMultiplier(zeros),
            new DensePenaltyCoefficient(plus(zeros, penalty)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("h", equality),
            nothing -> CMPState.of(f.apply(x)).observe(equality, h.apply(x)));
    var optimizer =
        new AlternatingDualPrimalOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(rate)),
            new SGD(problem.dualParameters(), new SGDOptions(rate * penalty)));
    for (int i = 0; i < rolls; i++) {
      optimizer.roll();
    }
    return values(x);
  }

  @Test
  void aQuadraticWithASumConstraint() {
    Function<Tensor, Tensor> f =
        p -> {
          Tensor x = p.select(0, 0);
          Tensor y = p.select(0, 1);
          return times(x.square(), 6).add(times(x.mul(y), 4)).add(times(y.square(), 3));
        };
    Tensor x = vector(0, 0).requires_grad_(true);

    double[] found = solve(x, f, p -> plus(p.sum(), -5), 1, 10, 0.02, 4000);

    assertThat(found).containsExactly(new double[] {1, 4}, within(1e-6));
    assertThat(f.apply(x).item_double()).isEqualTo(70, within(1e-5));
  }

  @Test
  void gockenbachsProblem() {
    // (x1 - 1)² + 2 (x2 + 2)² + 3 (x3 + 3)²
    Function<Tensor, Tensor> f = p -> p.add(vector(-1, 2, 3)).square().mul(vector(1, 2, 3)).sum();
    // x3 - x2 - x1 = 1 and x3 >= x1²; the inequality is active at the solution.
    Function<Tensor, Tensor> h =
        p -> {
          Tensor x1 = p.select(0, 0);
          Tensor x2 = p.select(0, 1);
          Tensor x3 = p.select(0, 2);
          return org.bytedeco.pytorch.global.torch.stack(
              new TensorVector(plus(x3.sub(x2).sub(x1), -1), x3.sub(x1.square())));
        };
    Tensor x = vector(0, 0, 0).requires_grad_(true);

    double[] found = solve(x, f, h, 2, 10, 0.01, 8000);

    assertThat(found)
        .containsExactly(new double[] {0.12288178, -1.10778185, 0.015099932}, within(1e-6));
    assertThat(f.apply(x).item_double()).isEqualTo(29.633926, within(1e-5));
  }
}
