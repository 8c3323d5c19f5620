package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cooper4j.Devices.here;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState.Lagrangians;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a roll reports is its own: the values of the evaluated point. */
@EveryDevice
class ReportedValuesTest {
  /** Ways to have the first two elements of a variable of three, none of which copies them. */
  static Stream<Function<Tensor, Tensor>> views() {
    return Stream.of(
        x -> x.narrow(0, 0, 2),
        x -> x.narrow(0, 0, 2).detach(),
        x -> x.detach().narrow(0, 0, 2),
        x -> x.view(3).narrow(0, 0, 2),
        x -> x.narrow(0, 0, 2).unsqueeze(0).squeeze(0));
  }

  @ParameterizedTest
  @MethodSource("views")
  void violationsThatShareMemoryWithAVariableKeepTheirValues(Function<Tensor, Tensor> view) {
    Tensor x = vector(2, 3, 4).requires_grad_(true);
    Constraint c = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(vector(0.5, 0.5)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", c),
            unused -> {
              Tensor violation = view.apply(x);
              ConstraintState state =
                  ConstraintState.builder(x.narrow(0, 0, 2)).strictViolation(violation).build();
              return CMPState.of(x.select(0, 2)).observe(c, state);
            });
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.5)),
            new SGD(problem.dualParameters(), new SGDOptions(0.5)));

    RollOut rollOut = optimizer.roll();

    assertThat(values(x)).containsExactly(1.75, 2.75, 3.5);
    assertThat(values(rollOut.loss())).containsExactly(4);
    assertThat(values(rollOut.cmpState().loss().orElseThrow())).containsExactly(4);
    ConstraintState observed = rollOut.cmpState().observedConstraints().get(c);
    assertThat(values(observed.violation())).containsExactly(2, 3);
    assertThat(values(observed.strictViolation().orElseThrow())).containsExactly(2, 3);
    assertThat(values(rollOut.primalLagrangianStore().lagrangian().orElseThrow()))
        .containsExactly(4 + 0.5 * 5);
    assertThat(values(rollOut.dualLagrangianStore().lagrangian().orElseThrow()))
        .containsExactly(0.5 * 5);
    assertThat(values(rollOut.dualLagrangianStore().multiplierValues().get(c)))
        .containsExactly(0.5, 0.5);
  }

  @Test
  void aVariableThatIsLossAndViolationItselfKeepsItsValue() {
    Tensor x = here(torch.scalar_tensor(new Scalar(2.0f))).requires_grad_(true);
    Constraint c = new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(vector(0.5)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", c), unused -> CMPState.of(x).observe(c, x));
    RollOut rollOut =
        new SimultaneousOptimizer<>(
                problem,
                new SGD(new TensorVector(x), new SGDOptions(0.5)),
                new SGD(problem.dualParameters(), new SGDOptions(0.5)))
            .roll();
    assertThat(values(x)).containsExactly(2 - 0.5 * 1.5);
    assertThat(values(rollOut.loss())).containsExactly(2);
    assertThat(values(rollOut.cmpState().namedObservedViolations().get("c"))).containsExactly(2);
    assertThat(values(rollOut.primalLagrangianStore().lagrangian().orElseThrow()))
        .containsExactly(3);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 512, 513, 5000})
  void aGradientThatIsScaledChangesNothingThatIsReported(int n) {
    for (Function<Tensor, Tensor> violation :
        java.util.List.<Function<Tensor, Tensor>>of(
            x -> x.sub(new Scalar(3.0)),
            x -> x.view(-1).sub(new Scalar(3.0)),
            x -> x.add(new Scalar(-3.0)).view(n))) {
      for (boolean augmented : new boolean[] {false, true}) {
        Tensor x = here(torch.ones(n)).requires_grad_(true);
        DenseMultiplier multiplier = new DenseMultiplier(here(torch.full(new long[] {n}, half())));
        Constraint c =
            augmented
                ? new Constraint(
                    ConstraintType.EQUALITY,
                    AugmentedLagrangian::new,
                    multiplier,
                    new DensePenaltyCoefficient(here(torch.full(new long[] {n}, half()))))
                : new Constraint(ConstraintType.INEQUALITY, multiplier);
        ConstrainedMinimizationProblem.of(Map.of("c", c), unused -> null);
        Lagrangians lagrangians = CMPState.ofViolations().observe(c, violation.apply(x)).backward();
        double[] primal = values(lagrangians.primal().lagrangian().orElseThrow());
        double[] dual = values(lagrangians.dual().lagrangian().orElseThrow());

        x.grad().mul_(new Scalar(0.1));
        multiplier.weight().grad().mul_(new Scalar(0.1));

        assertThat(values(lagrangians.primal().lagrangian().orElseThrow())).isEqualTo(primal);
        assertThat(values(lagrangians.dual().lagrangian().orElseThrow())).isEqualTo(dual);
        assertThat(values(lagrangians.primal().multiplierValues().get(c))).containsOnly(0.5);
        assertThat(values(lagrangians.dual().multiplierValues().get(c))).containsOnly(0.5);
      }
    }
  }

  private static Scalar half() {
    return new Scalar(0.5);
  }
}
