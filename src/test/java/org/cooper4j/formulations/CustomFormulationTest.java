package org.cooper4j.formulations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.Map;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.EveryDevice;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.junit.jupiter.api.Test;

/** A formulation of one's own, as {@link Formulation} documents it. */
@EveryDevice
class CustomFormulationTest {
  @Test
  void itsGradientComesFromAutogradAndTheDualOneIsTheViolation() {
    Tensor x = vector(0.5, -1).requires_grad_(true);
    Constraint constraint =
        new Constraint(
            ConstraintType.INEQUALITY,
            Exponential::new,
            new DenseMultiplier(vector(2, 0.25)),
            null);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", constraint),
            nothing -> CMPState.of(x.square().sum()).observe(constraint, x.mul(x)));

    new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.1)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)))
        .roll();

    // d/dx (x² + λ (exp(x²) − 1)) = 2x (1 + λ exp(x²))
    assertThat(values(x))
        .containsExactly(
            new double[] {
              0.5 - 0.1 * (1 + 2 * Math.exp(0.25)), -1 + 0.2 * (1 + 0.25 * Math.exp(1))
            },
            within(1e-6));
    assertThat(values(problem.dualParameters().get(0)))
        .containsExactly(new double[] {2.025, 0.35}, within(1e-6));
  }

  @Test
  void aProblemPrintsItsConstraints() {
    Constraint constraint = new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(3));
    var problem = ConstrainedMinimizationProblem.of(Map.of("c", constraint), unused -> null);
    assertThat(problem)
        .hasToString(
            """
            ConstrainedMinimizationProblem(
              c: Constraint(constraintType=EQUALITY, formulation=Lagrangian(constraintType=EQUALITY), \
            multiplier=DenseMultiplier(num_constraints=3))
            )""");
  }

  @Test
  void aMultiplierThatIsNotExpectedIsRefused() {
    assertThatThrownBy(() -> new Constraint(ConstraintType.EQUALITY, Exponential::new, null, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Exponential expects a multiplier but none was provided");
  }
}
