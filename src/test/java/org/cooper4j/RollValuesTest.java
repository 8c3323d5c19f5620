package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;
import static org.cooper4j.Devices.here;
import static org.cooper4j.Devices.indices;
import static org.cooper4j.Devices.vector;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.optim.AlternatingDualPrimalOptimizer;
import org.cooper4j.optim.AlternatingPrimalDualOptimizer;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.IndexedPenaltyCoefficient;
import org.junit.jupiter.api.Test;

@EveryDevice
class RollValuesTest {
  private final Tensor x = vector(2, 3).requires_grad_(true);
  private final Constraint norm =
      new Constraint(
          INEQUALITY,
          AugmentedLagrangian::new,
          new DenseMultiplier(vector(0.1)),
          new DensePenaltyCoefficient(vector(7)));
  private final Constraint both =
      new Constraint(
          EQUALITY,
          AugmentedLagrangian::new,
          new DenseMultiplier(vector(0.5, -0.5)),
          new DensePenaltyCoefficient(
              here(torch.scalar_tensor(new Scalar(2.0)).to(ScalarType.Float))));

  private ConstrainedMinimizationProblem<Void> problem(Supplier<CMPState> state) {
    Map<String, Constraint> constraints = new LinkedHashMap<>();
    constraints.put("norm", norm);
    constraints.put("both", both);
    return ConstrainedMinimizationProblem.of(constraints, unused -> state.get());
  }

  private static SimultaneousOptimizer<Void> simultaneous(
      ConstrainedMinimizationProblem<Void> problem, Tensor x) {
    return new SimultaneousOptimizer<>(
        problem,
        new SGD(new TensorVector(x), new SGDOptions(0.5)),
        new SGD(problem.dualParameters(), new SGDOptions(0.5)));
  }

  private CMPState state() {
    return CMPState.of(x.square().sum())
        .observe(both, x.sub(new Scalar(1)))
        .observe(
            norm,
            ConstraintState.builder(x.sum().sub(new Scalar(1)))
                .strictViolation(x.sum().detach().sub(new Scalar(9)))
                .build());
  }

  @Test
  void aRollGivesItsNumbersByNameInTheOrderOfObservation() {
    RollValues values = simultaneous(problem(this::state), x).roll().values();

    assertThat(values.loss()).hasValue(13);
    assertThat(values.violations().keySet()).containsExactly("both", "norm");
    assertThat(values.violations().get("both")).containsExactly(1, 2);
    assertThat(values.violation("norm")).isEqualTo(4);
    assertThat(values.strictViolations()).containsOnlyKeys("norm");
    assertThat(values.strictViolation("norm")).isEqualTo(-4);
    assertThat(values.multipliers().get("both")).containsExactly(0.5, -0.5);
    assertThat(values.multiplier("norm")).isEqualTo(0.1f);
    assertThat(values.dualMultipliers().get("norm")).containsExactly(0.1f);
    assertThat(values.penaltyCoefficients().get("both")).containsExactly(2);
    assertThat(values.penaltyCoefficient("norm")).isEqualTo(7);
    assertThat(values.rows()).isEmpty();
    assertThat(values).hasToString("RollValues(loss: 13.0, both: 2.0, norm: 0.0)");
  }

  @Test
  void feasibilityIsThatOfStrictViolationsAndOfBothSidesOfAnEquality() {
    RollValues values = simultaneous(problem(this::state), x).roll().values();

    assertThat(values.maxViolation("norm")).isZero();
    assertThat(values.maxViolation("both")).isEqualTo(2);
    assertThat(values.maxViolation()).isEqualTo(2);

    RollValues negative =
        simultaneous(
                ConstrainedMinimizationProblem.of(
                    Map.of("h", new Constraint(EQUALITY, new DenseMultiplier(vector(0)))),
                    unused -> CMPState.of(x.sum())),
                x)
            .roll()
            .values();
    assertThat(negative.maxViolation()).isZero();
    assertThat(negative.violations()).isEmpty();
  }

  @Test
  void numbersAreFreeOfTheRollAndOfTheThread() {
    var optimizer = simultaneous(problem(this::state), x);
    RollOut first = optimizer.roll();
    RollValues values = first.values();
    assertThat(first.values()).isSameAs(values);
    optimizer.roll();

    assertThat(CompletableFuture.supplyAsync(values::loss).join()).hasValue(13);
    assertThatThrownBy(first::values)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("released by the next roll");
    RollOut second = optimizer.roll();
    assertThatThrownBy(() -> CompletableFuture.supplyAsync(second::values).join())
        .hasCauseInstanceOf(IllegalStateException.class);
  }

  @Test
  void arraysAreTheCallersOwn() {
    RollValues values = simultaneous(problem(this::state), x).roll().values();
    values.violations().get("both")[0] = 100;
    values.violations().clear();

    assertThat(values.violations().get("both")).containsExactly(1, 2);
    assertThatThrownBy(() -> values.misc().put("a", 1.0))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void readingOneOfNoneOrManySaysWhatThereIs() {
    RollValues values = simultaneous(problem(this::state), x).roll().values();

    assertThatThrownBy(() -> values.violation("nrom"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no constraint 'nrom' was observed; there are [both, norm]");
    assertThatThrownBy(() -> values.violation("both"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'both' has 2 of its violation here, not one");
    assertThatThrownBy(() -> values.strictViolation("both"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'both' has no strict violation here");
    assertThatThrownBy(() -> values.maxViolation("nrom"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void numbersAndScalarsOfMiscAreReadAlong() {
    Object text = "text";
    RollOut rollOut =
        simultaneous(
                problem(
                    () ->
                        state()
                            .misc("accuracy", 0.5)
                            .misc("logits", x.detach().clone())
                            .misc("norm", x.norm())
                            .misc("count", x.detach().gt(new Scalar(2.5)).sum())
                            .misc("text", text)
                            .misc("steps", 7)),
                x)
            .roll();

    assertThat(rollOut.values().misc())
        .containsExactly(
            Map.entry("accuracy", 0.5),
            Map.entry("norm", (double) (float) Math.sqrt(13)),
            Map.entry("count", 1.0),
            Map.entry("steps", 7.0));
    CMPState state = rollOut.cmpState();
    assertThat(state.misc("accuracy", Double.class)).isEqualTo(0.5);
    assertThat(state.misc("text", String.class)).isSameAs(text);
    assertThatThrownBy(() -> state.misc("text", Tensor.class))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("misc 'text' is a String, not a Tensor");
    assertThatThrownBy(() -> state.misc("acuracy", Double.class))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no misc 'acuracy'; there are [accuracy, logits");
  }

  @Test
  void indexedConstraintsSayWhichRowsWereObserved() {
    Constraint rows =
        new Constraint(
            INEQUALITY,
            AugmentedLagrangian::new,
            new IndexedMultiplier(vector(0, 10, 20, 30)),
            new IndexedPenaltyCoefficient(vector(1, 2, 3, 4)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("rows", rows),
            unused ->
                CMPState.of(x.sum())
                    .observe(
                        rows,
                        ConstraintState.builder(x)
                            .constraintFeatures(indices(3, 1))
                            .strictViolation(vector(5, 6, 7))
                            .strictConstraintFeatures(indices(2, 0, 2))
                            .build()));

    RollValues values = simultaneous(problem, x).roll().values();

    assertThat(values.rows().get("rows")).containsExactly(3, 1);
    assertThat(values.strictRows().get("rows")).containsExactly(2, 0, 2);
    assertThat(values.violations().get("rows")).containsExactly(2, 3);
    assertThat(values.strictViolations().get("rows")).containsExactly(5, 6, 7);
    assertThat(values.multipliers().get("rows")).containsExactly(30, 10);
    assertThat(values.dualMultipliers().get("rows")).containsExactly(20, 0, 20);
    assertThat(values.penaltyCoefficients().get("rows")).containsExactly(4, 2);
  }

  @Test
  void multipliersOfBothSidesAreToldApartWhereTheyDiffer() {
    Constraint c = new Constraint(EQUALITY, new DenseMultiplier(vector(0.5)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", c), unused -> CMPState.of(x.sum()).observe(c, x.sum()));
    var dualFirst =
        new AlternatingDualPrimalOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.5)),
            new SGD(problem.dualParameters(), new SGDOptions(0.5)));

    RollValues values = dualFirst.roll().values();

    assertThat(values.dualMultipliers().get("c")).containsExactly(0.5);
    assertThat(values.multiplier("c")).isEqualTo(0.5 + 0.5 * 5);
    assertThat(values.violation("c")).isEqualTo(5);
  }

  @Test
  void anAlternatingRollGivesTheViolationsOfTheNewPoint() {
    Constraint c = new Constraint(EQUALITY, new DenseMultiplier(vector(0)));
    ConstrainedMinimizationProblem<Void> problem =
        new ConstrainedMinimizationProblem<>() {
          @Override
          public CMPState computeCMPState(Void batch) {
            return CMPState.of(x.sum()).observe(c, x.sum());
          }

          @Override
          public CMPState computeViolations(Void batch) {
            return CMPState.ofViolations().observe(c, x.sum());
          }
        };
    problem.register("c", c);
    var optimizer =
        new AlternatingPrimalDualOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.5)),
            new SGD(problem.dualParameters(), new SGDOptions(0.5)));

    RollValues values = optimizer.roll().values();

    assertThat(values.loss()).hasValue(5);
    assertThat(values.violation("c")).isEqualTo(4);
    assertThat(values.multiplier("c")).isZero();
  }

  @Test
  void problemsWithoutMultipliersHaveValuesToo() {
    Constraint c =
        new Constraint(
            INEQUALITY, QuadraticPenalty::new, null, new DensePenaltyCoefficient(vector(3)));
    Tensor large = torch.ones(3000).to(Devices.device(), ScalarType.Double).requires_grad_(true);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", c),
            unused ->
                CMPState.ofViolations()
                    .observe(
                        c,
                        ConstraintState.builder(large.mul(new Scalar(0.1)))
                            .contributesToDualUpdate(false)
                            .build()));
    var optimizer =
        new UnconstrainedOptimizer<>(
            problem, List.of(new SGD(new TensorVector(large), new SGDOptions(0.5))));

    RollValues values = optimizer.roll().values();

    assertThat(values.loss()).isEmpty();
    assertThat(values.violations().get("c")).hasSize(3000).containsOnly(0.1);
    assertThat(values.penaltyCoefficient("c")).isEqualTo(3);
    assertThat(values.multipliers()).isEmpty();
    assertThatThrownBy(() -> values.multiplier("c"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("has no multiplier here");
  }

  @Test
  void anOwnLoopReadsItsNumbersAsWell() {
    problem(this::state);
    CMPState state = state();
    CMPState.Lagrangians lagrangians = state.backward();

    assertThat(RollValues.of(state, lagrangians.primal(), lagrangians.dual()).violation("norm"))
        .isEqualTo(4);
  }

  @Test
  void multipliersAreReadByNameOutsideOfRollsToo() {
    var problem = problem(this::state);
    Constraint rows =
        problem.register(
            "rows", new Constraint(INEQUALITY, new IndexedMultiplier(vector(1, 2, 3))));
    Constraint penalty =
        new Constraint(
            INEQUALITY, QuadraticPenalty::new, null, new DensePenaltyCoefficient(vector(3)));
    problem.register("penalty", penalty);

    assertThat(norm.multiplierValue()).isEqualTo(0.1f);
    assertThat(both.multiplierValues()).containsExactly(0.5, -0.5);
    assertThat(problem.multiplierValues().keySet()).containsExactly("norm", "both", "rows");
    assertThat(problem.multiplierValues().get("rows")).containsExactly(1, 2, 3);
    assertThatThrownBy(rows::multiplierValue)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("constraint 'rows' has 3 multipliers, not one");
    assertThatThrownBy(penalty::multiplierValues)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("constraint 'penalty' has no multiplier");
  }
}
