package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Optimizer;
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
import org.cooper4j.EveryDevice;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.optim.torch.ExtraSGD;
import org.cooper4j.optim.torch.ExtraSGDOptions;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.Test;

/** What would train without a word, and wrongly. */
@EveryDevice
class WiringTest {
  private final Tensor x = vector(2).requires_grad_(true);
  private final DenseMultiplier multiplier = new DenseMultiplier(vector(0));
  private final Constraint c = new Constraint(ConstraintType.INEQUALITY, multiplier);
  private final ConstrainedMinimizationProblem<Void> problem =
      ConstrainedMinimizationProblem.of(Map.of("c", c), unused -> state());

  private CMPState state() {
    return CMPState.of(x.square().sum()).observe(c, x.neg().add(new Scalar(3.0)));
  }

  private static SGD sgd(Tensor... parameters) {
    return new SGD(new TensorVector(parameters), new SGDOptions(0.1));
  }

  private static Constraint inequality() {
    return new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(vector(0)));
  }

  private void refused(Optimizer primal, Optimizer dual, String... messages) {
    assertThatThrownBy(() -> new SimultaneousOptimizer<>(problem, primal, dual))
        .isInstanceOf(IllegalArgumentException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(messages));
  }

  @Test
  void aMultiplierInAPrimalOptimizerIsRefused() {
    refused(
        sgd(x, multiplier.weight()),
        sgd(multiplier.weight()),
        "primal optimizer 0 (SGD)",
        "multiplier of constraint 'c'");
  }

  @Test
  void aPrimalVariableInADualOptimizerIsRefused() {
    refused(sgd(vector(1)), sgd(multiplier.weight(), x), "dual optimizer 0 (SGD)", "no multiplier");
  }

  @Test
  void sidesThatAreSwappedAreRefused() {
    refused(sgd(multiplier.weight()), sgd(x), "primal optimizer 0", "constraint 'c'");
  }

  @Test
  void oneOptimizerOnBothSidesIsRefused() {
    SGD both = sgd(x);
    refused(both, both, "dual optimizer 0", "no multiplier");
  }

  @Test
  void aParameterInTwoOptimizersIsRefused() {
    SGD dual = sgd(multiplier.weight());
    assertThatThrownBy(
            () -> new SimultaneousOptimizer<>(problem, List.of(sgd(x), sgd(x)), List.of(dual)))
        .hasMessageContaining("primal optimizer 0 (SGD) and in primal optimizer 1 (SGD)");
    assertThatThrownBy(
            () -> new SimultaneousOptimizer<>(problem, List.of(sgd(x)), List.of(dual, dual)))
        .hasMessageContaining("in dual optimizer 0 (SGD) and in dual optimizer 1 (SGD)");
  }

  @Test
  void aMultiplierOfAnotherProblemIsRefused() {
    var other = ConstrainedMinimizationProblem.<Void>of(Map.of("d", inequality()), unused -> null);
    refused(sgd(x), new SGD(other.dualParameters(), new SGDOptions(0.1)), "no multiplier of this");
  }

  @Test
  void aMultiplierThatNoDualOptimizerHasIsRefusedUnlessItIsFrozen() {
    Constraint fixed = problem.register("fixed", inequality());
    refused(sgd(x), sgd(multiplier.weight()), "constraint 'fixed'", "requires_grad_(false)");

    fixed.multiplier().orElseThrow().parameters().get(0).requires_grad_(false);
    new SimultaneousOptimizer<>(problem, sgd(x), sgd(multiplier.weight())).roll();
  }

  @Test
  void aFrozenMultiplierActsAndGetsNoGradient() {
    DenseMultiplier frozen = new DenseMultiplier(vector(0.5));
    frozen.weight().requires_grad_(false);
    Constraint fixed = problem.register("fixed", new Constraint(ConstraintType.EQUALITY, frozen));
    state().observe(fixed, x.mul(new Scalar(4.0))).backward();
    assertThat(values(x.grad())).containsExactly(2 * 2 + 0.5 * 4);
    assertThat(frozen.weight().grad().defined()).isFalse();
  }

  @Test
  void anUnconstrainedOptimizerRefusesMultipliersThatItWouldLeaveAlone() {
    assertThatThrownBy(() -> new UnconstrainedOptimizer<>(problem, sgd(x)))
        .hasMessageContaining("no dual optimizer has the multiplier of constraint 'c'");
  }

  @Test
  void aConstraintOfLaterIsRefusedWhenItIsObserved() {
    Constraint first = inequality();
    Constraint[] late = new Constraint[1];
    var growing =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("first", first),
            unused -> {
              CMPState state = CMPState.of(x.square().sum()).observe(first, x);
              return late[0] == null ? state : state.observe(late[0], x);
            });
    SGD dual = new SGD(growing.dualParameters(), new SGDOptions(0.1));
    var optimizer = new SimultaneousOptimizer<>(growing, sgd(x), dual);
    optimizer.roll();
    late[0] = growing.register("late", inequality());
    double[] before = values(x);

    assertThatThrownBy(optimizer::roll)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'late'");
    assertThat(values(x)).containsExactly(before);

    dual.add_parameters(new TensorVector(late[0].multiplier().orElseThrow().parameters().get(0)));
    optimizer.roll();
  }

  @Test
  void aParameterThatAWrongOptimizerGotLaterIsRefused() {
    SGD primal = sgd(x);
    SGD dual = sgd(multiplier.weight());
    var optimizer = new SimultaneousOptimizer<>(problem, primal, dual);
    optimizer.roll();
    double[] before = values(x);

    primal.add_parameters(new TensorVector(multiplier.weight()));
    assertThatThrownBy(optimizer::roll)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("primal optimizer 0 (SGD) has the multiplier of constraint 'c'");
    assertThatThrownBy(optimizer::roll).isInstanceOf(IllegalArgumentException.class);
    assertThat(values(x)).containsExactly(before);
  }

  @Test
  void anOptimizerThatIsNullIsNamed() {
    refused(null, sgd(multiplier.weight()), "primal optimizer 0 is null");
    refused(sgd(x), null, "dual optimizer 0 is null");
  }

  @Test
  void multipliersThatAreAllFrozenAreRefusedAndThoseOfLaterAreSeen() {
    multiplier.weight().requires_grad_(false);
    refused(sgd(x), sgd(multiplier.weight()), "no parameter of the dual optimizers requires grad");

    var fixed = new UnconstrainedOptimizer<>(problem, sgd(x));
    fixed.roll();
    multiplier.weight().requires_grad_(true);
    assertThatThrownBy(fixed::roll)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no dual optimizer has the multiplier of constraint 'c'");
  }

  @Test
  void aConstraintThatIsRegisteredInsideOfARollIsRefused() {
    var growing =
        new ConstrainedMinimizationProblem<Void>() {
          @Override
          public CMPState computeCMPState(Void nothing) {
            return state().observe(register("late", inequality()), x);
          }
        };
    growing.register("other", inequality());
    var optimizer =
        new SimultaneousOptimizer<>(
            growing, sgd(x), new SGD(growing.dualParameters(), new SGDOptions(0.1)));
    assertThatThrownBy(optimizer::roll)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("constraint 'late' is registered inside of a roll");
  }

  @Test
  void aScopeThatTheEvaluationLeftOpenIsClosedAndNamed() {
    boolean[] leaks = {true};
    var leaking =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", inequality()),
            unused -> {
              if (leaks[0]) {
                new PointerScope();
              }
              return CMPState.of(x.square().sum());
            });
    var optimizer =
        new SimultaneousOptimizer<>(
            leaking, sgd(x), new SGD(leaking.dualParameters(), new SGDOptions(0.1)));
    PointerScope around = PointerScope.getInnerScope();
    assertThatThrownBy(optimizer::roll)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("computeCMPState left a PointerScope open");
    assertThat(PointerScope.getInnerScope()).isSameAs(around);
    leaks[0] = false;
    optimizer.roll();
  }

  @Test
  void aConstraintOfAnotherProblemIsRefusedWhenItIsObserved() {
    Constraint foreign = inequality();
    ConstrainedMinimizationProblem.of(Map.of("c", foreign), unused -> null);
    var mixed =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("d", inequality()), unused -> CMPState.of(x.sum()).observe(foreign, x));
    var optimizer =
        new SimultaneousOptimizer<>(
            mixed, sgd(x), new SGD(mixed.dualParameters(), new SGDOptions(0.1)));
    assertThatThrownBy(optimizer::roll)
        .hasMessageContaining("constraint 'c' was observed, but is not registered in this problem");
  }

  @Test
  void anOptimizerWithoutParametersIsRefused() {
    refused(
        sgd(x),
        new SGD(new TensorVector(), new SGDOptions(0.1)),
        "dual optimizer 0 (SGD) has no parameters");
  }

  @Test
  void aPrimalOptimizerOfAnotherModelIsRefused() {
    Tensor other = vector(1).requires_grad_(true);
    var optimizer = new SimultaneousOptimizer<>(problem, sgd(other), sgd(multiplier.weight()));
    assertThatThrownBy(optimizer::roll)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no parameter of the primal optimizers got a gradient");
    assertThat(values(multiplier.weight())).containsExactly(0);
  }

  @Test
  void anIndexedMultiplierInAnAdamIsRefused() {
    Constraint rows =
        problem.register(
            "rows",
            new Constraint(
                ConstraintType.INEQUALITY, new IndexedMultiplier(3, device(), ScalarType.Float)));
    assertThat(rows.name()).contains("rows");
    refused(
        sgd(x),
        new Adam(problem.dualParameters(), new AdamOptions(0.1)),
        "a dual Adam has the indexed multiplier of constraint 'rows'",
        "use SGD");
  }

  @Test
  void aHardRateWithoutASurrogateIsRefused() {
    Tensor rate = x.gt(new Scalar(1.0)).to(ScalarType.Float).mean();
    var hard =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("rate", inequality()), unused -> CMPState.of(x.square().sum()));
    Constraint constraint = hard.namedConstraints().get("rate");
    assertThatThrownBy(() -> CMPState.of(x.sum()).observe(constraint, rate).backward())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'rate': its violation contributes to the primal update");
    assertThat(x.grad().defined()).isFalse();

    CMPState.of(x.sum())
        .observe(constraint, ConstraintState.builder(rate).contributesToPrimalUpdate(false).build())
        .backward();
    assertThat(values(constraint.multiplier().orElseThrow().parameters().get(0).grad()))
        .containsExactly(-1);
  }

  @Test
  void anOptimizerThatEndedWithItsScopeIsNamed() {
    SGD primal;
    try (PointerScope scope = new PointerScope()) {
      primal = sgd(x);
    }
    assertThatThrownBy(() -> new SimultaneousOptimizer<>(problem, primal, sgd(multiplier.weight())))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("primal optimizer 0 (SGD) was closed");
    SGD dual = sgd(multiplier.weight());
    var optimizer = new SimultaneousOptimizer<>(problem, sgd(x), dual);
    dual.close();
    assertThatThrownBy(optimizer::roll).hasMessageContaining("dual optimizer 0 (SGD) was closed");
  }

  @Test
  void anExtragradientOptimizerBelongsToAnExtrapolatingOne() {
    refused(
        new ExtraSGD(new TensorVector(x), new ExtraSGDOptions(0.1)),
        sgd(multiplier.weight()),
        "ExtraSGD makes two half steps a roll");
  }

  @Test
  void aModelThatIsFrozenIsRefused() {
    refused(
        sgd(vector(1)),
        sgd(multiplier.weight()),
        "no parameter of the primal optimizers requires grad");
  }

  @Test
  void aProblemWithoutMultipliersSaysSo() {
    var empty = ConstrainedMinimizationProblem.<Void>of(Map.of(), unused -> null);
    assertThatThrownBy(
            () ->
                new SimultaneousOptimizer<>(
                    empty, sgd(x), new SGD(empty.dualParameters(), new SGDOptions(0.1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the problem has no multipliers: register its constraints first");
  }

  @Test
  void multipliersThatEndedWithTheirScopeAreNamedEverywhere() {
    DenseMultiplier gone = new DenseMultiplier(vector(0));
    var late =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("late", new Constraint(ConstraintType.EQUALITY, gone)), unused -> null);
    gone.weight().close();
    assertThat(gone).hasToString("DenseMultiplier(released)");
    for (ThrowingCallable use :
        List.<ThrowingCallable>of(
            late::dualParameters,
            late::stateDict,
            () -> new UnconstrainedOptimizer<>(late, sgd(x)))) {
      assertThatThrownBy(use)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("this DenseMultiplier was released");
    }
  }

  @Test
  void multiplierAndPenaltyOfDifferentSizesAreRefused() {
    assertThatThrownBy(
            () ->
                new Constraint(
                    ConstraintType.EQUALITY,
                    AugmentedLagrangian::new,
                    new DenseMultiplier(vector(0, 0, 0)),
                    new DensePenaltyCoefficient(vector(1, 1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("serves 3 constraints, the penalty coefficient has 2 entries");
  }
}
