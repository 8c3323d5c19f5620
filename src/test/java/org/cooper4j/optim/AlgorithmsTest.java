package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;
import static org.cooper4j.Devices.indices;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.Scoped;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Formulation;
import org.cooper4j.formulations.PenalizedLagrangian;
import org.cooper4j.formulations.PenaltyBarrier;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.formulations.Switched;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.optim.torch.Adamax;
import org.cooper4j.optim.torch.AdamaxOptions;
import org.cooper4j.optim.torch.ExtraAdam;
import org.cooper4j.optim.torch.ExtraAdamOptions;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIOptions;
import org.cooper4j.optim.torch.SparseAdam;
import org.cooper4j.optim.torch.SparseAdamOptions;
import org.cooper4j.penalties.AdditivePenaltyCoefficientUpdater;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.IndexedPenaltyCoefficient;
import org.cooper4j.penalties.PenaltyBarrierUpdater;
import org.cooper4j.penalties.PenaltyBarrierUpdater.Rule;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Options, state and refusals of the algorithms whose numbers GoldenAlgorithmsTest compares. */
@ExtendWith(Scoped.class)
class AlgorithmsTest {
  private Tensor x;

  @BeforeEach
  void start() {
    x = vector(1, -2).requires_grad_(true);
  }

  /** min |x|² with x + 1 ≤ 0, elementwise. */
  private ConstrainedMinimizationProblem<Void> problem(Constraint constraint) {
    return ConstrainedMinimizationProblem.of(
        Map.of("c", constraint),
        unused -> CMPState.of(x.square().sum()).lessOrEqual(constraint, x, -1));
  }

  private static Constraint constraint(Function<ConstraintType, Formulation> formulation) {
    return new Constraint(
        INEQUALITY,
        formulation,
        new DenseMultiplier(vector(0.5, 0.25)),
        new DensePenaltyCoefficient(vector(1, 0.5)));
  }

  private AlternatingDualPrimalOptimizer<Void> optimizer(
      ConstrainedMinimizationProblem<Void> problem) {
    return new AlternatingDualPrimalOptimizer<>(problem, sgd(), dual(problem, 0.1));
  }

  private SGD sgd() {
    return new SGD(new TensorVector(x), new SGDOptions(0.1));
  }

  private static SGD dual(ConstrainedMinimizationProblem<Void> problem, double rate) {
    return new SGD(problem.dualParameters(), new SGDOptions(rate));
  }

  @Test
  void centersAreInTheStateAndARunGoesOnFromThem() {
    var whole = problem(constraint(AugmentedLagrangian::bothSides));
    var straight = optimizer(whole);
    straight.beforePrimalStep(new MoreauEnvelope(2, 0.5, 2));
    for (int i = 0; i < 3; i++) {
      straight.roll();
    }
    Tensor at = x.detach().clone();
    Map<String, Object> state = straight.stateDict();
    Map<String, Object> multipliers = whole.stateDict();
    assertThat(state).containsKey("primal_hook_states").doesNotContainKey("dual_hook_states");
    Tensor half =
        ((Tensor) multipliers.values().stream().findFirst().map(this::leaf).orElseThrow());
    double[] kept = values(half);
    Constraint resumedConstraint =
        new Constraint(
            INEQUALITY,
            AugmentedLagrangian::bothSides,
            new DenseMultiplier(vector(kept)),
            new DensePenaltyCoefficient(vector(1, 0.5)));
    for (int i = 0; i < 4; i++) {
      straight.roll();
    }
    double[] expected = values(x);

    x = at.requires_grad_(true);
    var resumed = optimizer(problem(resumedConstraint));
    resumed.beforePrimalStep(new MoreauEnvelope(2, 0.5, 2));
    resumed.loadStateDict(state);
    for (int i = 0; i < 4; i++) {
      resumed.roll();
    }
    assertThat(values(x)).containsExactly(expected);
  }

  /** The multiplier's weight in the problem's nested state. */
  private Object leaf(Object state) {
    Object at = state;
    while (at instanceof Map<?, ?> map) {
      at = map.values().iterator().next();
    }
    return at;
  }

  @Test
  void aStateWithoutCentersStartsTheEnvelopeAnew() {
    var problem = problem(constraint(AugmentedLagrangian::bothSides));
    var plain = optimizer(problem).stateDict();
    assertThat(plain).containsOnlyKeys("primal_optimizer_states", "dual_optimizer_states");
    MoreauEnvelope envelope = new MoreauEnvelope(2, 0.5);
    var optimizer = optimizer(problem);
    optimizer.beforePrimalStep(envelope);
    optimizer.roll();
    optimizer.loadStateDict(plain);
    assertThat((List<?>) envelope.stateDict().get("centers")).isEmpty();
  }

  @Test
  void aStateThatDoesNotFitALaterHookLeavesTheEarlierOnes() {
    var optimizer = optimizer(problem(constraint(AugmentedLagrangian::bothSides)));
    MoreauEnvelope first = new MoreauEnvelope(2, 0.5, 2);
    optimizer.beforePrimalStep(first);
    optimizer.beforePrimalStep(new MoreauEnvelope(2, 0.5, 2));
    optimizer.roll();
    Map<String, Object> state = new LinkedHashMap<>(optimizer.stateDict());
    Map<String, Object> fits = Map.of("centers", List.of(vector(7, 7)), "count", 0L);
    state.put("primal_hook_states", List.of(fits, Map.of("count", 0L)));
    refused(() -> optimizer.loadStateDict(state), "primal_hook_states[1].centers");
    assertThat(first.stateDict()).containsEntry("count", 1L);
    assertThat(values((Tensor) ((List<?>) first.stateDict().get("centers")).get(0)))
        .containsExactly(1, -2);
  }

  @Test
  void anEnvelopeRefusesWhatDoesNotFit() {
    for (double mu : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      refused(() -> new MoreauEnvelope(mu, 0.5), "mu must be finite and at least 0");
    }
    refused(() -> new MoreauEnvelope(1, 1.5), "beta must be in [0, 1]");
    refused(() -> new MoreauEnvelope(1, Double.NaN), "beta must be in [0, 1]");
    refused(() -> new MoreauEnvelope(1, 0.5, 0), "period must be at least 1");
    MoreauEnvelope envelope = new MoreauEnvelope(1, 0.5);
    refused(() -> envelope.loadStateDict(Map.of("count", 0L)), "centers");
    refused(
        () -> envelope.loadStateDict(Map.of("centers", List.of(), "count", 7L)),
        "count must be at least 0 and below its period");
    var optimizer = optimizer(problem(constraint(AugmentedLagrangian::bothSides)));
    envelope.loadStateDict(Map.of("centers", List.of(vector(1, 2, 3)), "count", 0L));
    optimizer.beforePrimalStep(envelope);
    refused(optimizer::roll, "has a center of shape [3]");
    assertThat(values(x)).containsExactly(1, -2);
    var another = optimizer(problem(constraint(AugmentedLagrangian::bothSides)));
    another.beforeDualStep(new MoreauEnvelope(1, 0.5));
    refused(another::roll, "give it to beforePrimalStep");
  }

  @Test
  void penaltyStepsAreThoseOfTheMethodOfMultipliers() {
    var constraint = constraint(PenalizedLagrangian::new);
    var problem = problem(constraint);
    var optimizer = new SimultaneousOptimizer<>(problem, sgd(), dual(problem, 1));
    optimizer.beforeDualStep(new PenaltySteps());
    optimizer.roll(); // g = (2, −1), c = (1, 0.5)
    assertThat(constraint.multiplierValues()).containsExactly(2.5, 0);
    refused(() -> new PenaltySteps(0), "longest is 0.0");
    refused(() -> new PenaltySteps(Double.NaN), "longest is NaN");
  }

  @Test
  void switchedConstraintsNeedTheirOptimizer() {
    var problem = problem(new Constraint(INEQUALITY, Switched::new, null, null));
    var wrong = new UnconstrainedOptimizer<>(problem, sgd());
    refused(wrong::roll, "constraint 'c': its formulation switches between objectives");
    assertThat(values(x)).containsExactly(1, -2);
    refused(
        () -> new Constraint(INEQUALITY, Switched::new, new DenseMultiplier(1), null),
        "Switched takes no multiplier");
    refused(() -> new SwitchingSubgradientOptimizer<>(problem, sgd(), -1, 1), "tolerance is -1.0");
    refused(
        () -> new SwitchingSubgradientOptimizer<>(problem, sgd(), 0, Double.NaN), "scale is NaN");

    var optimizer = new SwitchingSubgradientOptimizer<>(problem, sgd(), 0.1, 2);
    RollOut rollOut = optimizer.roll();
    assertThat(rollOut.values().misc()).containsEntry(SwitchingSubgradientOptimizer.SWITCHED, 1.0);
    assertThat(values(x)).containsExactly(new double[] {0.8, -2}, within(1e-6));
    assertThat(optimizer.stateDict()).containsEntry("dual_optimizer_states", null);
  }

  @Test
  void switchingRefusesConstraintsThatHaveALagrangian() {
    List<Constraint> others =
        List.of(
            new Constraint(
                INEQUALITY, QuadraticPenalty::new, null, new DensePenaltyCoefficient(1.0)),
            new Constraint(INEQUALITY, new DenseMultiplier(2)));
    ((DenseMultiplier) others.get(1).multiplier().get()).weight().requires_grad_(false);
    for (Constraint other : others) {
      var switching = new SwitchingSubgradientOptimizer<>(problem(other), sgd());
      refused(switching::roll, "constraint 'c': its formulation has a Lagrangian");
      assertThat(values(x)).containsExactly(1, -2);
    }
    var learning = problem(new Constraint(INEQUALITY, new DenseMultiplier(2)));
    refused(
        () -> new SwitchingSubgradientOptimizer<>(learning, sgd()),
        "SwitchingSubgradientOptimizer is for Switched");
    refused(() -> new UnconstrainedOptimizer<>(learning, sgd()), "such as SimultaneousOptimizer");
  }

  @Test
  void aSwitchedEqualityCountsByItsAbsoluteValue() {
    Constraint h = new Constraint(EQUALITY, Switched::new, null, null);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("h", h), unused -> CMPState.of(x.square().sum()).observe(h, x.sum()));
    new SwitchingSubgradientOptimizer<>(problem, sgd()).roll(); // h = −1
    assertThat(values(x)).containsExactly(new double[] {1.1, -1.9}, within(1e-6));
  }

  @Test
  void penaltyBarriersAreForInequalitiesAndPositiveCoefficients() {
    refused(
        () ->
            new Constraint(
                EQUALITY,
                PenaltyBarrier::new,
                new DenseMultiplier(1),
                new DensePenaltyCoefficient(1)),
        "PenaltyBarrier is for inequalities");
    var constraint =
        new Constraint(
            INEQUALITY,
            PenaltyBarrier::new,
            new DenseMultiplier(vector(1, 1)),
            new DensePenaltyCoefficient(vector(1, 0)));
    var problem = problem(constraint);
    var optimizer = new SimultaneousOptimizer<>(problem, sgd(), dual(problem, 1));
    refused(optimizer::roll, "constraint 'c': its penalty coefficient, by which");
    assertThat(constraint.multiplierValues()).containsExactly(1, 1);
    refused(() -> new PenaltyBarrierUpdater(Rule.ADAPT, Double.NaN), "factor is NaN");
    refused(() -> new PenaltyBarrierUpdater(Rule.ADAPT, -1), "factor is -1.0");
    refused(() -> new PenaltyBarrierUpdater(Rule.ADAPT, 1).delta(0), "delta is 0.0");
    refused(() -> new PenaltyBarrierUpdater(Rule.ADAPT, 1).range(0, 1), "0 < lower <= upper");
    refused(() -> new PenaltyBarrierUpdater(Rule.ADAPT, 1).range(2, 1), "0 < lower <= upper");
  }

  @Test
  void aBarriersCoefficientsNeedOneEntryAViolation() {
    var constraint =
        new Constraint(
            INEQUALITY,
            PenaltyBarrier::reciprocal,
            new DenseMultiplier(vector(1, 1)),
            new DensePenaltyCoefficient(1));
    var problem = problem(constraint);
    RollOut rollOut = new SimultaneousOptimizer<>(problem, sgd(), dual(problem, 1)).roll();
    refused(
        () ->
            new PenaltyBarrierUpdater(Rule.DIMINISH, 0.5)
                .step(rollOut.cmpState().observedConstraints()),
        "constraint 'c': the violation has shape [2], its penalty coefficient []");
  }

  @Test
  void indexedConstraintsTakeEveryFormulation() {
    var multiplier = new IndexedMultiplier(vector(1, 2, 3, 4));
    var penalty = new IndexedPenaltyCoefficient(vector(1, 1, 1, 1));
    var constraint = new Constraint(INEQUALITY, PenaltyBarrier::new, multiplier, penalty);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", constraint),
            unused ->
                CMPState.of(x.square().sum())
                    .observe(
                        constraint,
                        ConstraintState.builder(x).constraintFeatures(indices(3, 1)).build()));
    var rollOut = new SimultaneousOptimizer<>(problem, sgd(), dual(problem, 1)).roll();
    new PenaltyBarrierUpdater(Rule.DIMINISH, 0.5).step(rollOut.cmpState().observedConstraints());
    // φ'(1) = 2, φ'(−2) = 1/8
    assertThat(values(multiplier.weight())).containsExactly(1, 0.25, 3, 8);
    assertThat(values(penalty.value())).containsExactly(1, 0.5, 1, 0.5);
  }

  @Test
  void multipliersStayInTheirRange() {
    var multiplier = new DenseMultiplier(vector(0, 5));
    multiplier.clamp(0.125, 2);
    assertThat(values(multiplier.weight())).containsExactly(0.125, 2);
    var problem = problem(new Constraint(INEQUALITY, multiplier));
    new SimultaneousOptimizer<>(problem, sgd(), dual(problem, 10)).roll(); // g = (2, −1)
    assertThat(values(multiplier.weight())).containsExactly(2, 0.125);
    for (double[] range :
        new double[][] {{1, 1}, {2, 1}, {-2, -1}, {Double.NaN, 1}, {0, Double.NaN}}) {
      refused(() -> multiplier.clamp(range[0], range[1]), "the range is [");
    }
    assertThat(values(multiplier.weight())).containsExactly(2, 0.125);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void multipliersLeakWhereTheyAreObserved(boolean indexed) {
    var multiplier =
        indexed ? new IndexedMultiplier(vector(4, 1, 2)) : new DenseMultiplier(vector(4, 1, 2));
    multiplier.leak(0.5);
    Constraint constraint = new Constraint(INEQUALITY, multiplier);
    long[] rows = indexed ? new long[] {2, 0, 2} : new long[] {0, 1, 2};
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", constraint),
            unused -> {
              Tensor violation = x.sum().expand(3).mul(vector(0, 0, 0));
              return CMPState.of(x.square().sum())
                  .observe(
                      constraint,
                      ConstraintState.builder(violation).constraintFeatures(indices(rows)).build());
            });
    new SimultaneousOptimizer<>(problem, sgd(), dual(problem, 1)).roll();
    assertThat(values(multiplier.weight()))
        .containsExactly(indexed ? new double[] {2, 1, 1} : new double[] {2, 0.5, 1});
    for (double share : new double[] {-0.1, 1, Double.NaN}) {
      refused(() -> multiplier.leak(share), "share is " + share);
    }
  }

  @Test
  void coefficientsOfSatisfiedConstraintsComeBackByAndBy() {
    var penalty = new DensePenaltyCoefficient(vector(1, 1));
    penalty.setValue(vector(3, 5));
    Constraint constraint =
        new Constraint(
            INEQUALITY, AugmentedLagrangian::new, new DenseMultiplier(vector(0, 0)), penalty);
    var problem = problem(constraint);
    RollOut rollOut = optimizer(problem).roll(); // g = (2, −1)
    new AdditivePenaltyCoefficientUpdater(1, 0, 0.25, 100)
        .step(rollOut.cmpState().observedConstraints());
    assertThat(values(penalty.value())).containsExactly(4, 4);
    for (double leak : new double[] {-1, 1.5, Double.NaN}) {
      refused(() -> new AdditivePenaltyCoefficientUpdater(1, 0, leak, 100), "leak is " + leak);
    }
  }

  @Test
  void anAdamOfAnIndexedMultiplierIsToldOfSparseAdam() {
    Constraint constraint = new Constraint(INEQUALITY, new IndexedMultiplier(3));
    var problem = problem(constraint);
    for (var dual :
        List.of(
            new Adam(problem.dualParameters(), new AdamOptions(0.1)),
            new Adamax(problem.dualParameters(), new AdamaxOptions(0.1)))) {
      refused(() -> new SimultaneousOptimizer<>(problem, sgd(), dual), "NuPI or SparseAdam");
    }
  }

  @Test
  void sparseAdamMovesTheRowsOfTheBatch() {
    var multiplier = new IndexedMultiplier(vector(1, 1, 1));
    Constraint constraint = new Constraint(INEQUALITY, multiplier);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", constraint),
            unused ->
                CMPState.of(x.square().sum())
                    .observe(
                        constraint,
                        ConstraintState.builder(x).constraintFeatures(indices(2, 0)).build()));
    new SimultaneousOptimizer<>(
            problem, sgd(), new SparseAdam(problem.dualParameters(), new SparseAdamOptions(0.25)))
        .roll();
    assertThat(values(multiplier.weight()))
        .containsExactly(new double[] {0.75, 1, 1.25}, within(1e-6));
  }

  @Test
  void adamsKinRefusesWhatDoesNotFit() {
    TensorVector parameters = new TensorVector(x);
    refused(() -> new Adamax(parameters, new AdamaxOptions(-1)), "Adamax: lr must be");
    refused(
        () -> new Adamax(parameters, new AdamaxOptions(1).weightDecay(Double.NaN)),
        "Adamax: weight_decay must be");
    refused(
        () -> new SparseAdam(parameters, new SparseAdamOptions(1).betas(1, 0.9)),
        "SparseAdam: beta1 must be in [0, 1)");
    refused(
        () -> new SparseAdam(parameters, new SparseAdamOptions(1).eps(-1)),
        "SparseAdam: eps must be");
    SparseAdam sparse = new SparseAdam(parameters, new SparseAdamOptions(1));
    x.mutable_grad().put(vector(1, 1));
    refused(
        sparse::step,
        "SparseAdam: parameter 0, of shape [2], has no sparse gradient of rows; use Adam for it");
    assertThat(values(x)).containsExactly(1, -2);
  }

  @Test
  void stepsOfOurOwnOptimizersRefuseGradientsOfAnotherLayout() {
    Tensor w = vector(1, 2).reshape(2, 1).detach().requires_grad_(true);
    TensorVector parameters = new TensorVector(w);
    w.mutable_grad().put(w.detach().to_sparse(1));
    refused(
        new Adamax(parameters, new AdamaxOptions(1))::step,
        "a parameter of shape [2, 1] has a sparse gradient, which its optimizer does not take");
    refused(
        new ExtraAdam(parameters, new ExtraAdamOptions(1))::extrapolation,
        "ExtraAdam: expected dense gradients, got a sparse one; use ExtraSGD or NuPI instead");
    w.mutable_grad().put(w.detach().to_sparse(2));
    refused(
        new NuPI(parameters, new NuPIOptions(1))::step,
        "NuPI: expected a sparse gradient with one sparse dimension, the row, got 2");
    assertThat(values(w)).containsExactly(1, 2);
  }

  private static void refused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable action, String message) {
    assertThatThrownBy(action)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
