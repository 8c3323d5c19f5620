package org.cooper4j.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.*;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;
import static org.cooper4j.Devices.here;
import static org.cooper4j.Devices.values;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.AnotherThread;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.EveryDevice;
import org.cooper4j.RangeConstraint;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.multipliers.ModuleMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.solver.Solution.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@EveryDevice
class SolverTest {
  private static Tensor variable(double... start) {
    return here(Tensor.create(start, start.length)).requires_grad_(true);
  }

  private static Tensor vector(double... numbers) {
    return here(Tensor.create(numbers, numbers.length));
  }

  private static DenseMultiplier multiplier(int size) {
    return new DenseMultiplier(vector(new double[size]));
  }

  private static Scalar scalar(double value) {
    return new Scalar(value);
  }

  private static ConstrainedMinimizationProblem<Void> problem(
      Map<String, Constraint> constraints, Supplier<CMPState> state) {
    return ConstrainedMinimizationProblem.of(constraints, nothing -> state.get());
  }

  /** min x² + y² subject to x + y = 1: λ = −1. */
  private static ConstrainedMinimizationProblem<Void> nearest(Tensor x, Constraint sum) {
    return problem(Map.of("sum", sum), () -> CMPState.of(x.square().sum()).equal(sum, x.sum(), 1));
  }

  @Test
  void leavesVariablesAndMultipliersAtTheSolution() {
    Tensor x = variable(3, -1);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    Solution solution = new Solver<>(nearest(x, sum), x).tolerance(1e-8).minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    assertThat(values(x)).containsExactly(new double[] {0.5, 0.5}, within(1e-7));
    assertThat(sum.multiplierValue()).isCloseTo(-1, within(1e-6));
    assertThat(solution.multipliers().get("sum")[0]).isEqualTo(sum.multiplierValue());
    assertThat(solution.objective()).isCloseTo(0.5, within(1e-7));
    assertThat(solution.infeasibility()).isLessThan(1e-8);
    assertThat(x.grad().defined()).isFalse();
  }

  /** A convex QP is solved where its KKT conditions hold. */
  @ParameterizedTest
  @CsvSource({"20, 10, 1", "50, 40, 100", "100, 60, 10"})
  void solvesQuadraticProgramsWithActiveConstraints(int n, int m, double condition) {
    manual_seed(n);
    Tensor a = here(randn(m, n).to(ScalarType.Double));
    Tensor scale = here(linspace(scalar(1), scalar(condition), n).to(ScalarType.Double));
    Tensor c = here(randn(n).to(ScalarType.Double)).mul(scalar(5));
    Tensor b = here(rand(m).to(ScalarType.Double));
    Tensor x = here(zeros(n).to(ScalarType.Double)).requires_grad_(true);
    Constraint rows = new Constraint(INEQUALITY, multiplier(m));
    var problem =
        problem(
            Map.of("rows", rows),
            () ->
                CMPState.of(x.square().mul(scale).sum().div(scalar(2)).sub(c.dot(x)))
                    .lessOrEqual(rows, a.mv(x), b));
    Solution solution = new Solver<>(problem, x).tolerance(1e-7).minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    double[] multipliers = rows.multiplierValues();
    double[] slack = values(a.mv(x).sub(b));
    int active = 0;
    for (int i = 0; i < m; i++) {
      assertThat(multipliers[i]).isNotNegative();
      assertThat(slack[i]).isLessThan(1e-6);
      assertThat(Math.abs(multipliers[i] * slack[i])).isLessThan(1e-5);
      active += multipliers[i] > 1e-3 ? 1 : 0;
    }
    assertThat(active).isGreaterThan(m / 5);
    Tensor gradient = x.mul(scale).sub(c).add(a.t().mv(vector(multipliers)));
    assertThat(gradient.abs().max().item_double()).isLessThan(1e-5);
  }

  @Test
  void solvesProblemsOfAHundredThousandVariables() {
    // The projection of a point onto the simplex: x_i = max(0, a_i - t).
    int n = 100_000;
    manual_seed(0);
    Tensor a = here(randn(n).to(ScalarType.Double));
    Tensor x = here(zeros(n).to(ScalarType.Double)).requires_grad_(true);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    var problem =
        problem(
            Map.of("sum", sum),
            () -> CMPState.of(x.sub(a).square().sum().div(scalar(2))).equal(sum, x.sum(), 1));
    Solution solution = new Solver<>(problem, x).bounds(x, 0, Double.POSITIVE_INFINITY).minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    Tensor expected = a.sub(scalar(sum.multiplierValue())).relu();
    assertThat(x.sub(expected).abs().max().item_double()).isLessThan(1e-5);
    assertThat(x.min().item_double()).isGreaterThanOrEqualTo(0);
    assertThat(solution.evaluations()).isLessThan(500);
  }

  @Test
  void aVariableThatTheProblemDoesNotUseIsRefused() {
    Tensor x = variable(3, -1);
    Tensor other = variable(1);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    assertThatThrownBy(() -> new Solver<>(nearest(x, sum), x, other).minimize())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("variable 1 is in neither the loss nor a violation");
  }

  @Test
  void anotherThreadMayNotAskForTheStateOfARun() throws Exception {
    Tensor x = variable(3, -1);
    var solver = new Solver<>(nearest(x, new Constraint(EQUALITY, multiplier(1))), x);
    List<Throwable> seen = new ArrayList<>();
    solver.listen(
        solution -> {
          AnotherThread.thrownBy(solver::stateDict).ifPresent(seen::add);
          return solver.stateDict() != null;
        });
    solver.minimize();
    assertThat(seen).isNotEmpty().hasOnlyElementsOfType(IllegalStateException.class);
    assertThat(seen.get(0)).hasMessageContaining("running in the thread");
  }

  @Test
  void holdsBoundsAtEveryEvaluation() {
    Tensor x = variable(5, 0.5);
    List<double[]> seen = new ArrayList<>();
    var problem =
        problem(
            Map.of(),
            () -> {
              seen.add(values(x));
              return CMPState.of(x.log().neg().sum().add(x.square().sum()).sub(x.select(0, 0)));
            });
    Solution solution =
        new Solver<>(problem, x).bounds(x, vector(2, 0.1), vector(3, 0.6)).minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    assertThat(values(x)).containsExactly(new double[] {2, 0.6}, within(0.0));
    assertThat(seen).allSatisfy(point -> assertThat(point[0]).isBetween(2.0, 3.0));
    assertThat(seen).allSatisfy(point -> assertThat(point[1]).isBetween(0.1, 0.6));
  }

  @Test
  void goesOnFromARollAndARollFromIt() {
    Tensor x = variable(0, 0);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    var problem = nearest(x, sum);
    try (var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.1)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)))) {
      for (int i = 0; i < 1000; i++) {
        optimizer.roll();
      }
      Solver<Void> solver = new Solver<>(problem, x);
      Solution solution = solver.minimize();
      assertThat(solution.isSolved()).isTrue();
      assertThat(solution.steps()).isZero();
      assertThat(solver.stateDict()).isNotEmpty();
      optimizer.roll();
      assertThat(values(x)).containsExactly(new double[] {0.5, 0.5}, within(1e-6));
      assertThat(sum.multiplierValue()).isCloseTo(-1, within(1e-5));
    }
  }

  @Test
  void takesConstraintsInAnyFormulation() {
    Tensor x = variable(0, 0);
    var problem =
        new ConstrainedMinimizationProblem<Void>() {
          final Constraint sum =
              register(
                  "sum",
                  new Constraint(
                      EQUALITY,
                      AugmentedLagrangian::new,
                      multiplier(1),
                      new DensePenaltyCoefficient(1)));
          final RangeConstraint range =
              RangeConstraint.register(this, "range", 0.1, 0.2, () -> multiplier(1));

          @Override
          public CMPState computeCMPState(Void nothing) {
            CMPState state = CMPState.of(x.square().sum()).equal(sum, x.sum(), 1);
            return range.observe(state, x.select(0, 0));
          }
        };
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    assertThat(values(x)).containsExactly(new double[] {0.2, 0.8}, within(1e-6));
    assertThat(solution.multipliers()).containsOnlyKeys("sum", "range_lower", "range_upper");
    assertThat(solution.multipliers().get("range_upper")[0]).isCloseTo(1.2, within(1e-5));
  }

  @Test
  void reportsMultipliersOfConstraintsThatHaveNone() {
    Tensor x = variable(3);
    Constraint above =
        new Constraint(INEQUALITY, QuadraticPenalty::new, null, new DensePenaltyCoefficient(1));
    var problem =
        problem(
            Map.of("above", above),
            () ->
                CMPState.of(x.square().sum())
                    .observe(
                        above,
                        ConstraintState.builder(x.neg().add(scalar(1)))
                            .contributesToDualUpdate(false)
                            .build()));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    assertThat(solution.multipliers().get("above")).containsExactly(new double[] {2}, within(1e-5));
  }

  @Test
  void saysThatNoPointIsFeasible() {
    Tensor x = variable(0.3);
    Constraint both = new Constraint(INEQUALITY, multiplier(2));
    var problem =
        problem(
            Map.of("both", both),
            () ->
                CMPState.of(x.square().sum())
                    .observe(
                        both, cat(new TensorVector(x.add(scalar(1)), x.neg().add(scalar(1))))));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.status()).as(solution.toString()).isEqualTo(Status.INFEASIBLE);
    assertThat(solution.infeasibility()).isCloseTo(1, within(0.1));
  }

  @Test
  void leavesVariablesWhereAnInfeasibleSolutionSays() {
    Tensor x = variable(0.1, 0.2);
    Constraint circles = new Constraint(INEQUALITY, multiplier(2));
    var problem =
        problem(
            Map.of("circles", circles),
            () ->
                CMPState.of(x.sum())
                    .lessOrEqual(
                        circles,
                        stack(
                            new TensorVector(x.square().sum(), x.sub(vector(3, 0)).square().sum())),
                        1));
    List<Double> values = new ArrayList<>();
    Solution solution =
        new Solver<>(problem, x)
            .listen(now -> values.add(x.sum().item_double() - now.objective()))
            .minimize();
    assertThat(solution.status()).as(solution.toString()).isEqualTo(Status.INFEASIBLE);
    assertThat(solution.objective()).isCloseTo(values(x)[0] + values(x)[1], within(1e-12));
    assertThat(values).allSatisfy(value -> assertThat(value).isCloseTo(0.0, within(1e-12)));
  }

  /** At 0 both gradients are 0; least f is the least eigenvalue. */
  @Test
  void leavesAPointWhereTheViolationIsLargest() {
    Tensor x = variable(0, 0, 0);
    Constraint sphere = new Constraint(EQUALITY, multiplier(1));
    var problem =
        problem(
            Map.of("sphere", sphere),
            () -> CMPState.of(x.square().dot(vector(3, 1, 2))).equal(sphere, x.square().sum(), 1));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.status()).as(solution.toString()).isEqualTo(Status.SOLVED);
    assertThat(solution.objective()).isCloseTo(1, within(1e-6));
    for (int limit = 1; limit < 20; limit++) {
      x.data().zero_();
      sphere.multiplier().orElseThrow().parameters().get(0).data().zero_();
      Solution limited = new Solver<>(problem, x).maxEvaluations(limit).minimize();
      assertThat(limited.status()).as(limit + ": " + limited).isEqualTo(Status.LIMIT);
    }
  }

  @Test
  void saysThatABoundMakesItInfeasible() {
    Tensor x = variable(0.3, 0.3);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    Solution solution = new Solver<>(nearest(x, sum), x).bounds(x, -0.4, 0.4).minimize();
    assertThat(solution.status()).as(solution.toString()).isEqualTo(Status.INFEASIBLE);
    assertThat(values(x)).containsExactly(new double[] {0.4, 0.4}, within(1e-9));
  }

  @Test
  void saysThatANonlinearConstraintHasNoFeasiblePoint() {
    Tensor x = variable(2, 1);
    Constraint circle = new Constraint(EQUALITY, multiplier(1));
    var problem =
        problem(
            Map.of("circle", circle),
            () -> CMPState.of(x.sum()).equal(circle, x.square().sum(), -1));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.status()).as(solution.toString()).isEqualTo(Status.INFEASIBLE);
  }

  /** min ‖x − 2‖² s.t. x₀ ≤ 1, Σx = 2.5, each times a factor: (1, 1.5). */
  @ParameterizedTest
  @CsvSource({
    "1, 1e6",
    "1e-3, 1e6",
    "1e-4, 1e-4",
    "1e-6, 1",
    "1e-6, 1e3",
    "1e-6, 1e6",
    "1e-5, 1e-5",
    "1e4, 1e-3"
  })
  void solvesProblemsWhoseConstraintsDifferInScale(double first, double second) {
    Tensor x = variable(0, 0);
    Constraint part = new Constraint(INEQUALITY, multiplier(1));
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    var problem =
        problem(
            Map.of("part", part, "sum", sum),
            () ->
                CMPState.of(x.sub(scalar(2)).square().sum())
                    .lessOrEqual(part, x.select(0, 0).mul(scalar(first)), first)
                    .equal(sum, x.sum().mul(scalar(second)), 2.5 * second));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    assertThat(values(x)).containsExactly(new double[] {1, 1.5}, within(1e-4));
  }

  @ParameterizedTest
  @CsvSource({"3, 1e-2", "3, 1e-4", "3, 1e-6", "100, 1e-2", "100, 1e-4"})
  void solvesOneVectorOfConstraintsThatDifferInScale(int n, double least) {
    Tensor x = here(zeros(n).to(ScalarType.Double)).requires_grad_(true);
    Constraint rows = new Constraint(INEQUALITY, multiplier(n));
    Tensor scale = here(logspace(scalar(Math.log10(least)), scalar(0), n).to(ScalarType.Double));
    var problem =
        problem(
            Map.of("rows", rows),
            () ->
                CMPState.of(x.sub(scalar(2)).square().sum())
                    .lessOrEqual(rows, x.mul(scale), scale));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    assertThat(values(x)).containsOnly(new double[] {1}, within(1e-4));
    assertThat(solution.evaluations()).isLessThan(1000);
  }

  /** A gradient that is short at the start alone is not scaled up to where it is long. */
  @ParameterizedTest
  @CsvSource({"1e-1", "1e-3", "1e-6"})
  void solvesProblemsWhoseGradientsGrow(double start) {
    Tensor x = variable(start, 0);
    Constraint circle = new Constraint(EQUALITY, multiplier(1));
    var problem =
        problem(
            Map.of("circle", circle),
            () -> CMPState.of(x.sub(scalar(2)).square().sum()).equal(circle, x.square().sum(), 1));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    assertThat(values(x)).containsOnly(new double[] {Math.sqrt(0.5)}, within(1e-5));
    assertThat(solution.evaluations()).isLessThan(500);
  }

  /** At 3 its gradient is 1e-6 of what it was at the start, which no scale foresees. */
  @Test
  void doesNotTakeAFlatConstraintForOneThatCannotHold() {
    for (ScalarType dtype : List.of(ScalarType.Float, ScalarType.Double)) {
      Tensor x = here(Tensor.create(15.0).to(dtype)).requires_grad_(true);
      Constraint below = new Constraint(INEQUALITY, new DenseMultiplier(vector(0).to(dtype)));
      Solution solution =
          new Solver<>(
                  problem(
                      Map.of("below", below),
                      () ->
                          CMPState.of(x.sub(scalar(3)).square().sum())
                              .lessOrEqual(below, x.exp(), 1)),
                  x)
              .minimize();
      assertThat(solution.status()).as(solution.toString()).isNotEqualTo(Status.INFEASIBLE);
    }
  }

  @ParameterizedTest
  @CsvSource({"1", "1e-2", "1e-4", "1e-5"})
  void saysThatNoPointIsFeasibleWhereGradientsAreSmall(double scale) {
    Tensor x = variable(0.3);
    Constraint both = new Constraint(INEQUALITY, multiplier(2));
    Solution apart =
        new Solver<>(
                problem(
                    Map.of("both", both),
                    () ->
                        CMPState.of(x.square().sum())
                            .observe(
                                both,
                                cat(new TensorVector(x.add(scalar(1)), x.neg().add(scalar(1))))
                                    .mul(scalar(scale)))),
                x)
            .minimize();
    assertThat(apart.status()).as(apart.toString()).isEqualTo(Status.INFEASIBLE);
    Tensor y = variable(2, 1);
    Constraint disc = new Constraint(INEQUALITY, multiplier(1));
    Constraint line = new Constraint(EQUALITY, multiplier(1));
    Solution mixed =
        new Solver<>(
                problem(
                    Map.of("disc", disc, "line", line),
                    () ->
                        CMPState.of(y.square().sum())
                            .lessOrEqual(disc, y.square().sum().mul(scalar(scale)), scale)
                            .equal(line, y.sum(), 3)),
                y)
            .minimize();
    assertThat(mixed.status()).as(mixed.toString()).isEqualTo(Status.INFEASIBLE);
  }

  @Test
  void saysThatTheObjectiveHasNoEnd() {
    Tensor x = variable(1, 1);
    Constraint difference = new Constraint(EQUALITY, multiplier(1));
    var problem =
        problem(
            Map.of("difference", difference),
            () -> CMPState.of(x.sum()).equal(difference, x.select(0, 0).sub(x.select(0, 1)), 0));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.status()).as(solution.toString()).isEqualTo(Status.UNBOUNDED);
    assertThat(values(x)).containsExactly(new double[] {1, 1}, within(1e-9));
    assertThat(solution.multipliers().get("difference")).containsExactly(0);
    assertThat(solution.stationarity()).as("with that multiplier").isEqualTo(1);
    assertThat(solution.gap()).isZero();
  }

  @Test
  void saysThatItStalls() {
    // A kink: no gradient vanishes at its minimum.
    Tensor x = variable(1, 2);
    var problem =
        problem(Map.of(), () -> CMPState.of(x.abs().sum().add(x.select(0, 0).mul(scalar(0.3)))));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.status()).as(solution.toString()).isEqualTo(Status.STALLED);
    assertThat(solution.stationarity()).isGreaterThan(0.1);
  }

  @Test
  void saysThatTheProblemIsNotDeterministic() {
    Tensor x = variable(1, 2);
    var problem =
        problem(
            Map.of(),
            () -> CMPState.of(x.square().sum().mul(here(rand(1).to(ScalarType.Double)).squeeze())));
    Solution solution = new Solver<>(problem, x).minimize();
    if (solution.status() != Status.SOLVED) {
      assertThat(solution.status()).as(solution.toString()).isEqualTo(Status.STALLED);
      assertThat(solution.message()).contains("not deterministic");
    }
  }

  /** Such as a loader's, of which one is as easy to end at as another. */
  @Test
  void saysThatBatchesTakeTurns() {
    Tensor x = variable(1, 2);
    List<Tensor> targets = List.of(vector(1, 1), vector(2, 0), vector(0, 5));
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    int[] calls = {0};
    var problem =
        problem(
            Map.of("sum", sum),
            () ->
                CMPState.of(x.sub(targets.get(calls[0]++ % 3)).square().sum())
                    .equal(sum, x.sum(), 1));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.status()).as(solution.toString()).isEqualTo(Status.STALLED);
    assertThat(solution.message()).contains("not deterministic");
    assertThat(values(x)).containsExactly(1, 2);
  }

  @Test
  void takesNoiseBelowTheTolerance() {
    Tensor x = variable(3, -1);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    int[] calls = {0};
    var problem =
        problem(
            Map.of("sum", sum),
            () ->
                CMPState.of(x.square().sum().add(scalar(1e-9 * (calls[0]++ % 2))))
                    .equal(sum, x.sum(), 1));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.status()).as(solution.toString()).isEqualTo(Status.SOLVED);
  }

  @Test
  void keepsTheBestPointOfTheSmallestTolerance() {
    Tensor x = variable(3, -1);
    Constraint circle = new Constraint(EQUALITY, multiplier(1));
    var problem =
        problem(
            Map.of("circle", circle),
            () -> CMPState.of(x.sum()).equal(circle, x.square().sum(), 2));
    Solution solution = new Solver<>(problem, x).tolerance(Double.MIN_VALUE).minimize();
    assertThat(solution.status()).as(solution.toString()).isIn(Status.STALLED, Status.SOLVED);
    assertThat(values(x)).containsExactly(new double[] {-1, -1}, within(1e-8));
  }

  /** The double integrator from 0 to 1 at rest; the least effort is 12 N² / (N² − 1). */
  @Test
  void solvesATrajectoryWhoseSubproblemsTakeThousandsOfSteps() {
    int n = 30;
    Tensor position = variable(new double[n + 1]);
    Tensor velocity = variable(new double[n + 1]);
    Tensor force = variable(new double[n]);
    Constraint motion = new Constraint(EQUALITY, multiplier(2 * n));
    Constraint ends = new Constraint(EQUALITY, multiplier(4));
    var problem =
        problem(
            Map.of("motion", motion, "ends", ends),
            () -> {
              Tensor now = velocity.narrow(0, 0, n);
              Tensor next = velocity.narrow(0, 1, n);
              Tensor moved = position.narrow(0, 1, n).sub(position.narrow(0, 0, n));
              Tensor mean = now.add(next).mul(scalar(0.5 / n));
              Tensor faster = next.sub(now).sub(force.mul(scalar(1.0 / n)));
              return CMPState.of(force.square().sum().mul(scalar(1.0 / n)))
                  .observe(motion, cat(new TensorVector(moved.sub(mean), faster)))
                  .equal(
                      ends,
                      stack(
                          new TensorVector(
                              position.select(0, 0),
                              velocity.select(0, 0),
                              position.select(0, n),
                              velocity.select(0, n))),
                      vector(0, 0, 1, 0));
            });
    Solution solution = new Solver<>(problem, position, velocity, force).minimize();
    assertThat(solution.status()).as(solution.toString()).isEqualTo(Status.SOLVED);
    assertThat(solution.objective()).isCloseTo(12.0 * n * n / (n * n - 1), within(1e-5));
  }

  @Test
  void saysThatFloat32IsNotExactEnough() {
    Tensor x = here(Tensor.create(new float[] {3, -1}, 2)).requires_grad_(true);
    Constraint sum = new Constraint(EQUALITY, new DenseMultiplier(vector(0).to(ScalarType.Float)));
    Solution solution = new Solver<>(nearest(x, sum), x).tolerance(1e-12).minimize();
    assertThat(solution.status()).as(solution.toString()).isIn(Status.STALLED, Status.SOLVED);
    assertThat(values(x)).containsExactly(new double[] {0.5, 0.5}, within(1e-4));
  }

  @Test
  void endsAtTheLimitWithTheBestPoint() {
    Tensor x = variable(-1.2, 1);
    Constraint parabola = new Constraint(EQUALITY, multiplier(1));
    var problem =
        problem(
            Map.of("parabola", parabola),
            () ->
                CMPState.of(x.select(0, 0).sub(scalar(1)).square())
                    .equal(
                        parabola, x.select(0, 1).sub(x.select(0, 0).square()).mul(scalar(10)), 0));
    Solution solution = new Solver<>(problem, x).maxEvaluations(5).minimize();
    assertThat(solution.status()).isEqualTo(Status.LIMIT);
    assertThat(solution.evaluations()).isBetween(5L, 40L);
  }

  @Test
  void tellsListenersAndLetsThemStop() {
    Tensor x = variable(3, -1);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    List<Solution> seen = new ArrayList<>();
    Solution solution =
        new Solver<>(nearest(x, sum), x)
            .listen(
                now -> {
                  assertThat(now.status()).isEqualTo(Status.RUNNING);
                  assertThat(sum.multiplierValue()).isEqualTo(now.multipliers().get("sum")[0]);
                  seen.add(now);
                  return seen.size() < 2;
                })
            .minimize();
    assertThat(solution.status()).isEqualTo(Status.STOPPED);
    assertThat(seen).hasSize(2);
    assertThat(seen.get(1).iterations()).isEqualTo(2);
  }

  @Test
  void anInterruptStopsIt() {
    Tensor x = variable(3, -1);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    Thread.currentThread().interrupt();
    Solution solution = new Solver<>(nearest(x, sum), x).minimize();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(solution.status()).isEqualTo(Status.STOPPED);
  }

  @Test
  void goesOnBitForBitFromItsState() {
    HockSchittkowski hs100 =
        HockSchittkowski.all().stream().filter(p -> p.name().equals("HS100")).findFirst().get();
    Tensor x = variable(hs100.start());
    Solution whole = new Solver<>(hs100.problem(x), x).minimize();

    Tensor y = variable(hs100.start());
    var first = new Solver<>(hs100.problem(y), y).listen(now -> now.iterations() < 3);
    assertThat(first.minimize().status()).isEqualTo(Status.STOPPED);
    Map<String, Object> state = first.stateDict();

    Tensor z = variable(new double[hs100.start().length]);
    var second = new Solver<>(hs100.problem(z), z);
    second.loadStateDict(state);
    Solution resumed = second.minimize();
    assertThat(resumed.toString()).isEqualTo(whole.toString());
    assertThat(values(z)).containsExactly(values(x));
  }

  /** A limit comes anywhere: what it broke off is counted once. */
  @Test
  void goesOnBitForBitFromALimit() {
    HockSchittkowski hs100 =
        HockSchittkowski.all().stream().filter(p -> p.name().equals("HS100")).findFirst().get();
    Tensor x = variable(hs100.start());
    Solution whole = new Solver<>(hs100.problem(x), x).minimize();
    for (int limit : new int[] {1, 2, 7, 25, 60}) {
      Tensor y = variable(hs100.start());
      var first = new Solver<>(hs100.problem(y), y).maxEvaluations(limit);
      assertThat(first.minimize().status()).isEqualTo(Status.LIMIT);
      Tensor z = variable(new double[hs100.start().length]);
      var second = new Solver<>(hs100.problem(z), z);
      second.loadStateDict(first.stateDict());
      assertThat(second.minimize().toString()).as("limit " + limit).isEqualTo(whole.toString());
      assertThat(values(z)).containsExactly(values(x));
    }
  }

  /** min (x − 1)² s.t. 10 (y − x²) = 0, where {@code seen} hears of every evaluation. */
  private static ConstrainedMinimizationProblem<Void> parabola(
      Tensor x, Constraint parabola, Runnable seen) {
    return problem(
        Map.of("parabola", parabola),
        () -> {
          seen.run();
          Tensor height = x.select(0, 1).sub(x.select(0, 0).square());
          return CMPState.of(x.select(0, 0).sub(scalar(1)).square())
              .equal(parabola, height.mul(scalar(10)), 0);
        });
  }

  @Test
  void goesOnBitForBitFromAnInterrupt() {
    Tensor x = variable(-1.2, 1);
    Solution whole =
        new Solver<>(parabola(x, new Constraint(EQUALITY, multiplier(1)), () -> {}), x).minimize();
    assertThat(whole.isSolved()).as(whole.toString()).isTrue();
    for (int at : new int[] {3, 6, 12}) {
      Tensor y = variable(-1.2, 1);
      int[] calls = {0};
      Runnable interrupt =
          () -> {
            if (++calls[0] == at) {
              Thread.currentThread().interrupt();
            }
          };
      var first = new Solver<>(parabola(y, new Constraint(EQUALITY, multiplier(1)), interrupt), y);
      assertThat(first.minimize().status()).isEqualTo(Status.STOPPED);
      assertThat(Thread.interrupted()).isTrue();
      Tensor z = variable(0, 0);
      var second = new Solver<>(parabola(z, new Constraint(EQUALITY, multiplier(1)), () -> {}), z);
      second.loadStateDict(first.stateDict());
      assertThat(second.minimize().toString()).as("call " + at).isEqualTo(whole.toString());
      assertThat(values(z)).containsExactly(values(x));
    }
  }

  @Test
  void leavesMultipliersAloneInADescentThatALimitBrokeOff() {
    Tensor x = variable(-1.2, 1);
    Constraint parabola = new Constraint(EQUALITY, new DenseMultiplier(vector(0.5)));
    var solver = new Solver<>(parabola(x, parabola, () -> {}), x).maxEvaluations(3);
    Solution solution = solver.minimize();
    assertThat(solution.status()).isEqualTo(Status.LIMIT);
    assertThat(solution.iterations()).isZero();
    assertThat(parabola.multiplierValue()).isCloseTo(0.5, within(1e-15));
    assertThat(solution.multipliers().get("parabola")[0]).isEqualTo(parabola.multiplierValue());
    // Its residuals are of that multiplier, too.
    double h = solution.infeasibility();
    assertThat(solution.gap()).isCloseTo(0.5 * h, within(1e-12));
    double[] at = values(x);
    double gradient = 2 * (at[0] - 1) - 0.5 * 20 * at[0];
    assertThat(solution.stationarity()).isCloseTo(Math.max(Math.abs(gradient), 5), within(1e-9));
  }

  @Test
  void everyRunUnderOneLimitGetsFurther() {
    for (int limit : new int[] {1, 4}) {
      Tensor x = variable(-1.2, 1);
      var problem = parabola(x, new Constraint(EQUALITY, multiplier(1)), () -> {});
      Map<String, Object> state = null;
      Solution solution = null;
      int runs = 0;
      do {
        var solver = new Solver<>(problem, x).maxEvaluations(limit);
        if (state != null) {
          solver.loadStateDict(state);
        }
        long before = solution == null ? -1 : solution.steps();
        solution = solver.minimize();
        assertThat(solution.steps()).isGreaterThan(before);
        state = solver.stateDict();
      } while (!solution.isSolved() && ++runs < 100);
      assertThat(solution.isSolved()).as(solution.toString()).isTrue();
      assertThat(values(x)).containsExactly(new double[] {1, 1}, within(1e-3));
    }
  }

  @Test
  void goesOnWithinOtherBounds() {
    Tensor x = variable(-1.2, 1);
    var problem = parabola(x, new Constraint(EQUALITY, multiplier(1)), () -> {});
    var first = new Solver<>(problem, x).maxEvaluations(20);
    assertThat(first.minimize().status()).isEqualTo(Status.LIMIT);
    for (int limit : new int[] {1, 1000}) {
      var second = new Solver<>(problem, x).bounds(x, 2, 5).maxEvaluations(limit);
      second.loadStateDict(first.stateDict());
      Solution solution = second.minimize();
      assertThat(x.ge(scalar(2)).logical_and(x.le(scalar(5))).all().item_bool())
          .as(solution.toString())
          .isTrue();
    }
    assertThat(values(x)).containsExactly(new double[] {2, 4}, within(1e-5));
  }

  @ParameterizedTest
  @CsvSource({
    "objective_scale, 0",
    "objective_scale, 1e18",
    "objective_scale, NaN",
    "penalty, 0",
    "penalty, Infinity",
    "inner_tolerance, -1",
    "inner_tolerance, Infinity",
    "previous_residual, -1",
    "previous_residual, NaN",
    "iterations, 1e18",
    "iterations, 0.5",
    "iterations, -1",
    "steps, 1e18",
    "evaluations, 1e18",
    "since_best, 1e18",
    "pairs_count, 11",
    "pairs_next, 10",
    "pairs_count, 1e18",
    "best_objective, Infinity",
    "best_infeasibility, Infinity",
    "best_stationarity, -1",
    "best_gap, NaN",
    "best_penalty, 0"
  })
  void refusesANumberOfAStateThatIsOutOfItsRange(String key, double value) {
    Tensor x = variable(3, -1);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    var solver = new Solver<>(nearest(x, sum), x);
    solver.minimize();
    double[] before = values(x);
    Map<String, Object> good = solver.stateDict();
    Map<String, Object> state = new HashMap<>(good);
    state.put(key, value);
    assertThatThrownBy(() -> solver.loadStateDict(state))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(key);
    assertThat(values(x)).containsExactly(before);
    assertThat(solver.stateDict().toString()).isEqualTo(good.toString());
    state.put(key, good.get(key));
    state.put("previous_residual", Double.POSITIVE_INFINITY);
    state.put("best_objective", -3.0);
    solver.loadStateDict(state);
    assertThat(solver.minimize().isSolved()).isTrue();
  }

  @Test
  void refusesTensorsOfAStateThatFitNoRun() {
    Tensor x = variable(3, -1);
    var solver = new Solver<>(nearest(x, new Constraint(EQUALITY, multiplier(1))), x);
    solver.minimize();
    Map<String, Object> good = solver.stateDict();
    Map<String, Object> wrong = new HashMap<>();
    wrong.put("scales", vector(0));
    wrong.put("multipliers", vector(Double.NaN));
    wrong.put("pairs", here(zeros(4, 2).to(ScalarType.Double)));
    wrong.put("best_x", vector(1));
    wrong.put("x", vector(1, 2).to_sparse());
    wrong.forEach(
        (key, tensor) -> {
          Map<String, Object> state = new HashMap<>(good);
          state.put(key, tensor);
          assertThatThrownBy(() -> solver.loadStateDict(state))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining(key);
        });
    Map<String, Object> part = new HashMap<>(good);
    part.remove("best_gap");
    assertThatThrownBy(() -> solver.loadStateDict(part)).hasMessageContaining("best_gap");
    part.keySet().removeIf(key -> key.startsWith("best_"));
    solver.loadStateDict(part);
    assertThat(solver.minimize().isSolved()).isTrue();
    solver.historySize(3);
    solver.loadStateDict(good);
    assertThatThrownBy(solver::minimize).hasMessageContaining("historySize(10)");
  }

  @Test
  void refusesSettingsWhileItRuns() {
    Tensor x = variable(3, -1);
    var problem = nearest(x, new Constraint(EQUALITY, multiplier(1)));
    Map<String, Consumer<Solver<Void>>> settings =
        Map.of(
            "listen", solver -> solver.listen(now -> true),
            "tolerance", solver -> solver.tolerance(1e-3),
            "limit", solver -> solver.maxEvaluations(3),
            "history", solver -> solver.historySize(3),
            "bounds", solver -> solver.bounds(x, -1, 1),
            "state", solver -> solver.loadStateDict(solver.stateDict()));
    settings.forEach(
        (name, setting) -> {
          var solver = new Solver<>(problem, x);
          solver.listen(
              now -> {
                setting.accept(solver);
                return true;
              });
          x.set_data(vector(3, -1));
          assertThatThrownBy(solver::minimize)
              .as(name)
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("this solver is running");
          assertThat(values(x)).containsExactly(3, -1);
        });
  }

  @Test
  void anEvaluationMayNotAskForTheStateOfItsRun() {
    Tensor x = variable(-1.2, 1);
    Solver<?>[] solver = new Solver<?>[1];
    solver[0] =
        new Solver<>(
            parabola(x, new Constraint(EQUALITY, multiplier(1)), () -> solver[0].stateDict()), x);
    assertThatThrownBy(solver[0]::minimize)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("call it in a listener");
  }

  @Test
  void refusesMultipliersThatItWouldNotHold() {
    Tensor x = variable(3, -1);
    for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      DenseMultiplier multiplier = multiplier(1);
      Constraint sum = new Constraint(EQUALITY, multiplier);
      multiplier.weight().set_data(vector(value));
      assertThatThrownBy(() -> new Solver<>(nearest(x, sum), x).minimize())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'sum': its multiplier is " + value);
      assertThat(values(x)).containsExactly(3, -1);
    }
    DenseMultiplier multiplier = multiplier(1);
    Constraint sum = new Constraint(EQUALITY, multiplier);
    var solver = new Solver<>(nearest(x, sum), x);
    solver.minimize();
    Map<String, Object> state = solver.stateDict();
    multiplier.clamp(-0.5, 0.5);
    double[] before = values(x);
    for (int run = 0; run < 2; run++) {
      assertThatThrownBy(solver::minimize)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'sum': its multiplier is kept in [-0.5, 0.5]");
      assertThat(values(x)).containsExactly(before);
      assertThat(sum.multiplierValue()).isEqualTo(-0.5);
      solver.loadStateDict(state);
    }
    multiplier.clamp(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    assertThat(solver.minimize().isSolved()).isTrue();
    // λ ≥ 0 of an inequality holds in any case.
    DenseMultiplier positive = multiplier(1);
    Constraint above = new Constraint(INEQUALITY, positive);
    positive.clamp(0, Double.POSITIVE_INFINITY);
    var problem =
        problem(
            Map.of("above", above),
            () -> CMPState.of(x.square().sum()).greaterOrEqual(above, x.sum(), 1));
    assertThat(new Solver<>(problem, x).minimize().isSolved()).isTrue();
  }

  @Test
  void refusesVariablesThatShareMemory() {
    Tensor base = vector(3, -1);
    Tensor whole = base.detach().requires_grad_(true);
    Tensor alias = base.detach().requires_grad_(true);
    var problem = problem(Map.of(), () -> CMPState.of(whole.add(alias).square().sum()));
    assertThatThrownBy(() -> new Solver<>(problem, whole, alias))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("variable 1 shares its memory with variable 0");
    List<Tensor> overlapping =
        List.of(
            vector(1).expand(3),
            vector(1, 2).unsqueeze(0).expand(2, 2),
            vector(1, 2, 3).as_strided(new long[] {2, 2}, new long[] {1, 1}));
    for (Tensor tensor : overlapping) {
      Tensor x = tensor.detach().requires_grad_(true);
      assertThatThrownBy(() -> new Solver<>(problem(Map.of(), () -> CMPState.of(x.sum())), x))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("share their memory");
      Tensor y = here(zeros(tensor.shape()).to(ScalarType.Double)).requires_grad_(true);
      var solver = new Solver<>(problem(Map.of(), () -> CMPState.of(y.square().sum())), y);
      y.set_data(tensor);
      assertThatThrownBy(solver::minimize).hasMessageContaining("share their memory");
    }
    // Strides alone are no overlap: a transposed matrix, every other element.
    Tensor matrix = here(ones(2, 3).to(ScalarType.Double)).t().detach().requires_grad_(true);
    Tensor column = here(ones(3, 2).to(ScalarType.Double)).select(1, 1).detach();
    column.requires_grad_(true);
    Solution solution =
        new Solver<>(
                problem(
                    Map.of(), () -> CMPState.of(matrix.square().sum().add(column.square().sum()))),
                matrix,
                column)
            .minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    assertThat(values(matrix)).containsOnly(new double[] {0}, within(1e-6));
  }

  @Test
  void refusesBoundsWithoutAFiniteNumberBetween() {
    Tensor x = variable(3, -1);
    var solver = new Solver<>(nearest(x, new Constraint(EQUALITY, multiplier(1))), x);
    double infinity = Double.POSITIVE_INFINITY;
    assertThatThrownBy(() -> solver.bounds(x, infinity, infinity))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no finite point");
    assertThatThrownBy(() -> solver.bounds(x, -infinity, -infinity))
        .hasMessageContaining("no finite point");
    assertThatThrownBy(() -> solver.bounds(x, vector(0, infinity), vector(1, infinity)))
        .hasMessageContaining("no finite point");
    Tensor single = here(zeros(1)).requires_grad_(true);
    var rounded = new Solver<>(problem(Map.of(), () -> CMPState.of(single.sum())), single);
    assertThatThrownBy(() -> rounded.bounds(single, 1e300, infinity))
        .hasMessageContaining("as float32");
    assertThat(solver.bounds(x, -infinity, infinity).minimize().isSolved()).isTrue();
  }

  @Test
  void takesManyConstraintsOfOneElement() {
    int n = 300;
    Tensor x = here(zeros(n).to(ScalarType.Double)).requires_grad_(true);
    Map<String, Constraint> constraints = new LinkedHashMap<>();
    for (int i = 0; i < n; i++) {
      constraints.put("c" + i, new Constraint(INEQUALITY, multiplier(1)));
    }
    var problem =
        problem(
            constraints,
            () -> {
              CMPState state = CMPState.of(x.sub(scalar(2)).square().sum());
              int i = 0;
              for (Constraint constraint : constraints.values()) {
                // Each with a scale of its own.
                double scale = Math.pow(10, -3 * (i % 2));
                state.lessOrEqual(constraint, x.select(0, i++).mul(scalar(scale)), scale);
              }
              return state;
            });
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    assertThat(values(x)).containsOnly(new double[] {1}, within(1e-5));
  }

  @Test
  void refusesAStateThatDoesNotFit() {
    Tensor x = variable(3, -1);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    var solver = new Solver<>(nearest(x, sum), x);
    assertThatThrownBy(solver::stateDict).isInstanceOf(IllegalStateException.class);
    solver.minimize();
    Map<String, Object> state = solver.stateDict();
    Tensor y = variable(1, 2, 3);
    var other = new Solver<>(nearest(y, new Constraint(EQUALITY, multiplier(1))), y);
    assertThatThrownBy(() -> other.loadStateDict(state)).hasMessageContaining("for 3 variables");
    assertThatThrownBy(() -> other.loadStateDict(Map.of("x", y)))
        .hasMessageContaining("objective_scale");
    Tensor z = variable(1, 2);
    Constraint two = new Constraint(EQUALITY, multiplier(2));
    var third =
        new Solver<>(
            problem(Map.of("two", two), () -> CMPState.of(z.square().sum()).equal(two, z, 1)), z);
    third.loadStateDict(state);
    assertThatThrownBy(third::minimize).hasMessageContaining("this problem 2 constraints");
    assertThat(values(z)).containsExactly(1, 2);
  }

  private static void assertRefused(
      Tensor x, ConstrainedMinimizationProblem<Void> problem, String... message) {
    double[] before = values(x);
    var multipliers = problem.multiplierValues();
    assertThatThrownBy(() -> new Solver<>(problem, x).minimize())
        .isInstanceOfAny(IllegalArgumentException.class, IllegalStateException.class)
        .hasMessageContainingAll(message);
    assertThat(values(x)).containsExactly(before);
    assertThat(problem.multiplierValues().toString().length()).isPositive();
    problem
        .multiplierValues()
        .forEach((name, now) -> assertThat(now).containsExactly(multipliers.get(name)));
  }

  @Test
  void refusesWhatIsNotFiniteAtTheStart() {
    Tensor x = variable(-1);
    Constraint c = new Constraint(INEQUALITY, multiplier(1));
    assertRefused(
        x, problem(Map.of("c", c), () -> CMPState.of(x.log().sum()).observe(c, x)), "NaN", "start");
    Constraint d = new Constraint(INEQUALITY, multiplier(1));
    assertRefused(
        x,
        problem(Map.of("d", d), () -> CMPState.of(x.sum()).observe(d, x.sqrt())),
        "'d'",
        "NaN",
        "start");
  }

  @Test
  void takesAValueThatIsNotFiniteForAStepThatWasTooLong() {
    Tensor x = variable(1e-3);
    var problem = problem(Map.of(), () -> CMPState.of(x.sub(x.log().mul(scalar(2))).sum()));
    Solution solution = new Solver<>(problem, x).minimize();
    assertThat(solution.isSolved()).as(solution.toString()).isTrue();
    assertThat(values(x)).containsExactly(new double[] {2}, within(1e-4));
  }

  @Test
  void refusesConstraintsThatAreNotForASolver() {
    Tensor x = variable(1, 2);
    Constraint indexed = new Constraint(EQUALITY, new IndexedMultiplier(2));
    assertRefused(
        x,
        problem(
            Map.of("i", indexed),
            () ->
                CMPState.of(x.sum())
                    .observe(
                        indexed,
                        ConstraintState.builder(x)
                            .constraintFeatures(here(Tensor.create(new long[] {0, 1}, 2)))
                            .build())),
        "'i'",
        "features",
        "DenseMultiplier");
    Constraint strict = new Constraint(INEQUALITY, multiplier(2));
    assertRefused(
        x,
        problem(
            Map.of("s", strict),
            () ->
                CMPState.of(x.sum())
                    .observe(
                        strict, ConstraintState.builder(x).strictViolation(x.detach()).build())),
        "'s'",
        "strict violation");
    Constraint implicit =
        new Constraint(
            EQUALITY, new ModuleMultiplier(new org.bytedeco.pytorch.LinearImpl(1, 1), f -> f));
    assertRefused(
        x,
        problem(Map.of("m", implicit), () -> CMPState.of(x.sum()).observe(implicit, x)),
        "'m'",
        "ModuleMultiplier");
    Constraint misfit = new Constraint(INEQUALITY, multiplier(3));
    assertRefused(
        x,
        problem(Map.of("w", misfit), () -> CMPState.of(x.sum()).observe(misfit, x)),
        "'w'",
        "num_constraints = 2");
    Constraint forgotten = new Constraint(INEQUALITY, multiplier(2));
    assertRefused(
        x, problem(Map.of("f", forgotten), () -> CMPState.of(x.sum())), "'f'", "not observed");
    DenseMultiplier shared = multiplier(2);
    Constraint one = new Constraint(INEQUALITY, shared);
    Constraint two = new Constraint(INEQUALITY, shared);
    assertRefused(
        x,
        problem(
            Map.of("one", one, "two", two),
            () -> CMPState.of(x.sum()).observe(one, x).observe(two, x)),
        "shares its multiplier");
    Constraint matrix = new Constraint(INEQUALITY, multiplier(2));
    assertRefused(
        x,
        problem(Map.of("x", matrix), () -> CMPState.of(x.sum()).observe(matrix, x.unsqueeze(0))),
        "'x'",
        "[1, 2]");
    assertRefused(x, problem(Map.of(), () -> CMPState.of(x)), "the loss is float64[2]");
    assertRefused(x, problem(Map.of(), () -> null), "returned null");
    assertRefused(
        x, problem(Map.of(), () -> CMPState.of(x.detach().sum())), "not", "differentiable");
  }

  @Test
  void refusesVariablesItCannotMove() {
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    Tensor x = variable(1, 2);
    var problem = nearest(x, sum);
    DenseMultiplier own = (DenseMultiplier) sum.multiplier().get();
    assertThatThrownBy(() -> new Solver<>(problem)).hasMessageContaining("no variable");
    assertThatThrownBy(() -> new Solver<>(problem, x, x)).hasMessageContaining("twice");
    assertThatThrownBy(() -> new Solver<>(problem, x.detach()))
        .hasMessageContaining("requires_grad_");
    assertThatThrownBy(() -> new Solver<>(problem, own.weight()))
        .hasMessageContaining("multiplier");
    Tensor half = here(zeros(2).to(ScalarType.Half)).requires_grad_(true);
    assertThatThrownBy(() -> new Solver<>(problem, half)).hasMessageContaining("float16");
    Tensor single = here(zeros(2)).requires_grad_(true);
    assertThatThrownBy(() -> new Solver<>(problem, x, single)).hasMessageContaining("one dtype");
    var solver = new Solver<>(problem, x);
    assertThatThrownBy(() -> solver.bounds(single, 0, 1))
        .hasMessageContaining("none of the solver's");
    assertThatThrownBy(() -> solver.bounds(x, 1, 0)).hasMessageContaining("above");
    assertThatThrownBy(() -> solver.bounds(x, Double.NaN, 0)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> solver.bounds(x, vector(1, 2, 3), vector(4)))
        .hasMessageContaining("shape");
    assertThatThrownBy(() -> solver.tolerance(0)).hasMessageContaining("tolerance");
    assertThatThrownBy(() -> solver.tolerance(Double.NaN)).hasMessageContaining("tolerance");
    assertThatThrownBy(() -> solver.maxEvaluations(0)).hasMessageContaining("at least 1");
    assertThatThrownBy(() -> solver.historySize(0)).hasMessageContaining("1 to 1000");
    assertThatThrownBy(() -> solver.historySize(1001)).hasMessageContaining("1 to 1000");
    assertThatThrownBy(() -> new Solver<>(problem, x, null)).hasMessageContaining("is null");
    assertThatThrownBy(() -> solver.loadStateDict(null)).hasMessageContaining("stateDict");
  }

  @Test
  void anEvaluationThatThrowsLeavesAllAsItWas() {
    Tensor x = variable(3, -1);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    int[] calls = {0};
    var problem =
        problem(
            Map.of("sum", sum),
            () -> {
              if (++calls[0] == 8) {
                throw new IllegalStateException("no more data");
              }
              return CMPState.of(x.square().sum()).equal(sum, x.sum(), 1);
            });
    var solver = new Solver<>(problem, x);
    assertThatThrownBy(solver::minimize).hasMessage("no more data");
    assertThat(values(x)).containsExactly(3, -1);
    assertThat(sum.multiplierValue()).isZero();
    assertThatThrownBy(solver::stateDict).isInstanceOf(IllegalStateException.class);
    assertThat(solver.minimize().isSolved()).isTrue();
  }

  @Test
  void boundsAVariableWithoutDimensions() {
    for (Tensor bound : List.of(vector(2).squeeze(), vector(2), vector(2).to(ScalarType.Long))) {
      Tensor x = here(Tensor.create(5.0).squeeze()).requires_grad_(true);
      Solution solution =
          new Solver<>(problem(Map.of(), () -> CMPState.of(x.square())), x)
              .bounds(x, bound, vector(9).squeeze())
              .minimize();
      assertThat(solution.isSolved()).as(solution.toString()).isTrue();
      assertThat(x.item_double()).isEqualTo(2);
    }
    Tensor x = here(Tensor.create(5.0).squeeze()).requires_grad_(true);
    var solver = new Solver<>(problem(Map.of(), () -> CMPState.of(x.square())), x);
    assertThat(solver.bounds(x, 2, 9).minimize().isSolved()).isTrue();
    assertThatThrownBy(() -> solver.bounds(x, vector(1, 2), vector(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the lower bound: expected shape [], found [2]");
  }

  @Test
  void takesLossAndViolationsOfOtherDtypesThanTheVariables() {
    for (ScalarType dtype : List.of(ScalarType.Float, ScalarType.Double)) {
      Tensor x = variable(3, -1);
      Constraint sum = new Constraint(EQUALITY, new DenseMultiplier(vector(0).to(dtype)));
      Solution solution =
          new Solver<>(
                  problem(
                      Map.of("sum", sum),
                      () ->
                          CMPState.of(x.square().sum().to(ScalarType.Float))
                              .equal(sum, x.sum().to(dtype), 1)),
                  x)
              .tolerance(1e-3)
              .minimize();
      assertThat(solution.isSolved()).as(solution.toString()).isTrue();
      assertThat(values(x)).containsExactly(new double[] {0.5, 0.5}, within(1e-2));
    }
  }

  @Test
  void refusesAVariableThatHasBecomeAnotherTensor() {
    Tensor x = variable(3, -1);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    var solver = new Solver<>(nearest(x, sum), x);
    x.set_data(vector(1, 2, 3));
    assertThatThrownBy(solver::minimize)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("variable 0 was float64[2]")
        .hasMessageContaining("is float64[3]");
    x.set_data(vector(3, -1).to(ScalarType.Float));
    assertThatThrownBy(solver::minimize)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is float32[2]");
    assertThat(values(x)).containsExactly(3, -1);
    x.set_data(vector(3, -1));
    assertThat(solver.minimize().isSolved()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "variable, variable 0 was released",
    "other variable, variable 1 was released",
    "loss, the loss",
    "violation, constraint 'sum': the violation was released",
    "multiplier, released"
  })
  void saysThatAnEvaluationClosedATensor(String what, String message) {
    for (int at : new int[] {1, 5}) {
      Tensor x = variable(3);
      Tensor y = variable(-1);
      DenseMultiplier multiplier = multiplier(1);
      Constraint sum = new Constraint(EQUALITY, multiplier);
      int[] calls = {0};
      var problem =
          problem(
              Map.of("sum", sum),
              () -> {
                Tensor loss = x.square().add(y.square()).sum();
                Tensor violation = x.add(y).sum().sub(scalar(1));
                CMPState state = CMPState.of(loss).observe(sum, violation);
                if (++calls[0] == at) {
                  Map.of(
                          "variable", x,
                          "other variable", y,
                          "loss", loss,
                          "violation", violation,
                          "multiplier", multiplier.weight())
                      .get(what)
                      .close();
                }
                return state;
              });
      var solver = new Solver<>(problem, x, y);
      assertThatThrownBy(solver::minimize)
          .isInstanceOfAny(IllegalArgumentException.class, IllegalStateException.class)
          .hasMessageContaining(message);
      if (!what.equals("variable") && !what.equals("other variable")) {
        assertThat(values(x)).containsExactly(3);
        assertThat(values(y)).containsExactly(-1);
      }
      if (!what.equals("multiplier")) {
        assertThat(sum.multiplierValue()).isZero();
      }
    }
  }

  @Test
  void refusesAnEvaluationThatMovesTheVariables() {
    Tensor x = variable(3, -1);
    assertRefused(
        x,
        problem(
            Map.of(),
            () -> {
              x.detach().mul_(scalar(0.5));
              return CMPState.of(x.square().sum());
            }),
        "variable 0 in place");
    Tensor y = variable(3, 1);
    assertRefused(
        y,
        problem(
            Map.of(),
            () -> {
              y.data().clamp_min_(scalar(1)); // holds at the start
              return CMPState.of(y.square().sum());
            }),
        "variable 0 in place",
        "bounds()");
  }

  @Test
  void refusesAnEvaluationThatChangesItsConstraints() {
    Tensor x = variable(3, -1);
    Constraint g =
        new Constraint(INEQUALITY, QuadraticPenalty::new, null, new DensePenaltyCoefficient(1));
    int[] calls = {0};
    assertRefused(
        x,
        problem(
            Map.of("g", g),
            () ->
                CMPState.of(x.square().sum())
                    .observe(
                        g,
                        ConstraintState.builder(++calls[0] < 4 ? x : x.sum())
                            .contributesToDualUpdate(false)
                            .build())),
        "'g'",
        "had 2 entries");
  }

  @Test
  void refusesToRunInsideOfItself() {
    Tensor x = variable(3, -1);
    Solver<?>[] solver = new Solver<?>[1];
    var problem =
        problem(
            Map.of(),
            () -> {
              solver[0].minimize();
              return CMPState.of(x.sum());
            });
    solver[0] = new Solver<>(problem, x);
    assertThatThrownBy(solver[0]::minimize).hasMessageContaining("running");
  }

  @Test
  void memoryStaysFlat() {
    Tensor x = variable(3, -1);
    Constraint sum = new Constraint(EQUALITY, multiplier(1));
    var solver = new Solver<>(nearest(x, sum), x);
    long[] counts = new long[2];
    for (int run = 0; run < 40; run++) {
      try (PointerScope scope = new PointerScope()) {
        x.set_data(vector(3, -1));
      }
      solver.minimize();
      System.gc();
      counts[run < 20 ? 0 : 1] = org.bytedeco.javacpp.Pointer.totalCount();
    }
    assertThat(counts[1]).isLessThan(counts[0] + 200);
  }
}
