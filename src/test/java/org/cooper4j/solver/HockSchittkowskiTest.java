package org.cooper4j.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.Devices;
import org.cooper4j.EveryDevice;
import org.junit.jupiter.api.Test;

/** 20 problems with published optima, from their standard starts, with no setting at all. */
@EveryDevice
class HockSchittkowskiTest {
  private static final Map<String, Integer> SLSQP = HockSchittkowski.slsqpEvaluations();

  private static Tensor start(HockSchittkowski problem, ScalarType dtype) {
    return Devices.here(Tensor.create(problem.start(), problem.start().length))
        .to(dtype)
        .requires_grad_(true);
  }

  private static Solution solve(HockSchittkowski problem, ScalarType dtype) {
    Tensor x = start(problem, dtype);
    return new Solver<>(problem.problem(x), x).minimize();
  }

  private static Solution solveWithBounds(HockSchittkowski problem, ScalarType dtype) {
    Tensor x = start(problem, dtype);
    double[][] bounds = problem.bounds();
    return new Solver<>(problem.withoutBounds().problem(x), x)
        .bounds(
            x,
            Tensor.create(bounds[0], bounds[0].length),
            Tensor.create(bounds[1], bounds[1].length))
        .minimize();
  }

  private static void checkAll(
      BiFunction<HockSchittkowski, ScalarType, Solution> solve, ScalarType dtype, double exact) {
    List<HockSchittkowski> problems = HockSchittkowski.all();
    assertThat(problems).hasSize(20);
    double[] ratios =
        problems.stream()
            .mapToDouble(
                problem -> {
                  Solution solution = solve.apply(problem, dtype);
                  assertThat(solution.status())
                      .as(problem.name() + ": " + solution)
                      .isEqualTo(Solution.Status.SOLVED);
                  assertThat(solution.infeasibility()).as(problem.name()).isLessThan(exact);
                  assertThat(solution.objective())
                      .as(problem.name() + ": " + solution)
                      .isCloseTo(
                          problem.optimum(),
                          within(exact * Math.max(1, Math.abs(problem.optimum()))));
                  return (double) solution.evaluations() / SLSQP.get(problem.name());
                })
            .sorted()
            .toArray();
    assertThat((ratios[9] + ratios[10]) / 2).as("evaluations over SLSQP's").isLessThan(10);
  }

  @Test
  void solvesAllToSixDigitsInAMedianOfLessThanTenTimesSlsqpsEvaluations() {
    checkAll(HockSchittkowskiTest::solve, ScalarType.Double, 1e-6);
  }

  @Test
  void solvesAllWithBoundsHeldByProjection() {
    checkAll(HockSchittkowskiTest::solveWithBounds, ScalarType.Double, 1e-6);
  }

  @Test
  void solvesAllInFloat32ToFourDigits() {
    checkAll(HockSchittkowskiTest::solve, ScalarType.Float, 1e-4);
  }

  /** Those that simultaneous gradient steps circle around. */
  @Test
  void solvesPublishedQuadraticProgramsWithActiveConstraints() {
    List<HockSchittkowski> problems = HockSchittkowski.read("quadratic-programs.txt");
    assertThat(problems).hasSize(3);
    for (HockSchittkowski problem : problems) {
      Solution solution = solve(problem, ScalarType.Double);
      assertThat(solution.isSolved()).as(problem.name() + ": " + solution).isTrue();
      assertThat(solution.infeasibility()).as(problem.name()).isLessThan(1e-6);
      assertThat(solution.objective())
          .as(problem.name() + ": " + solution)
          .isCloseTo(problem.optimum(), within(1e-6 * Math.max(1, Math.abs(problem.optimum()))));
      assertThat(Arrays.stream(solution.multipliers().get("g")).max().orElseThrow())
          .as("an active one's multiplier")
          .isGreaterThan(0.1);
    }
  }
}
