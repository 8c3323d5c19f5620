package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.indices;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.Map;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.EveryDevice;
import org.cooper4j.ResidentMemory;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.junit.jupiter.api.Test;

@EveryDevice
class RollTest {
  /** min x² s.t. x >= 1, from x = 0. */
  private static final class Line extends ConstrainedMinimizationProblem<Void> {
    final Tensor x;
    final Constraint atLeastOne;

    Line() {
      x = vector(0).requires_grad_(true);
      atLeastOne =
          register(
              "at_least_one",
              new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(vector(0.25))));
    }

    @Override
    public CMPState computeCMPState(Void nothing) {
      return CMPState.of(x.square().sum()).observe(atLeastOne, x.neg().add(new Scalar(1.0)));
    }
  }

  private static SimultaneousOptimizer<Void> sgd(Line line) {
    return new SimultaneousOptimizer<>(
        line,
        new SGD(new TensorVector(line.x), new SGDOptions(0.1)),
        new SGD(line.dualParameters(), new SGDOptions(0.5)));
  }

  @Test
  void aRollDescendsInTheVariablesAndAscendsInTheMultipliers() {
    Line line = new Line();

    RollOut rollOut = sgd(line).roll();

    assertThat(values(line.x)).containsExactly(new double[] {0.025}, within(1e-7));
    assertThat(values(line.atLeastOne.multiplier().orElseThrow().parameters().get(0)))
        .containsExactly(0.75);
    assertThat(values(rollOut.primalLagrangianStore().multiplierValues().get(line.atLeastOne)))
        .as("the store shows the multiplier that the step used")
        .containsExactly(0.25);
    assertThat(rollOut.primalLagrangianStore().lagrangian().orElseThrow().item_float())
        .isEqualTo(0.25f);
    assertThat(rollOut.dualLagrangianStore().lagrangian().orElseThrow().item_float())
        .isEqualTo(0.25f);
  }

  @Test
  void whatARollReturnedIsReleasedByTheNextOneAndSaysSo() {
    Line line = new Line();
    SimultaneousOptimizer<Void> optimizer = sgd(line);
    RollOut first = optimizer.roll();
    assertThat(first.loss().item_float()).isZero();

    optimizer.roll();

    assertThatThrownBy(first::loss)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("released by the next roll");
    assertThatThrownBy(() -> first.primalLagrangianStore().lagrangian())
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void anEvaluationThatThrowsLeavesTheVariablesAndTheNextRollAlone() {
    Line line = new Line();
    boolean[] fail = {true};
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of(),
            nothing -> {
              CMPState state = CMPState.of(line.x.square().sum());
              if (fail[0]) {
                throw new IllegalStateException("no data");
              }
              return state;
            });
    var optimizer =
        new UnconstrainedOptimizer<>(
            problem, new SGD(new TensorVector(line.x), new SGDOptions(0.1)));

    assertThatThrownBy(optimizer::roll).hasMessage("no data");
    assertThat(values(line.x)).containsExactly(0);

    fail[0] = false;
    assertThat(optimizer.roll().loss().item_float()).isZero();
  }

  @Test
  void memoryStaysFlatWithoutAScope() {
    Line line = new Line();
    SimultaneousOptimizer<Void> optimizer = sgd(line);
    for (int i = 0; i < 2_000; i++) {
      optimizer.roll();
    }
    assertThat(ResidentMemory.growthOver(20_000, optimizer::roll)).isLessThan(64L << 20);
  }

  @Test
  void anIndexedMultiplierChangesOnlyWhereItWasObserved() {
    IndexedMultiplier multiplier = new IndexedMultiplier(vector(1, 1, 1, 0.1));
    Constraint sampled = new Constraint(ConstraintType.INEQUALITY, multiplier);
    Tensor x = vector(2, -3).requires_grad_(true);
    Tensor rows = indices(0, 3);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("sampled", sampled),
            nothing ->
                CMPState.of(x.sum())
                    .observe(
                        sampled,
                        ConstraintState.builder(x.mul(new Scalar(1.0)))
                            .constraintFeatures(rows)
                            .build()));

    new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.1)),
            new SGD(problem.dualParameters(), new SGDOptions(0.5)))
        .roll();

    assertThat(values(multiplier.weight())).containsExactly(2, 1, 1, 0);
  }

  @Test
  void anOptimizerWithoutItsOtherHalfIsRefused() {
    Line line = new Line();
    SGD sgd = new SGD(new TensorVector(line.x), new SGDOptions(0.1));
    assertThatThrownBy(
            () -> new SimultaneousOptimizer<>(line, java.util.List.of(sgd), java.util.List.of()))
        .hasMessageContaining("no dual optimizer was given");
  }
}
