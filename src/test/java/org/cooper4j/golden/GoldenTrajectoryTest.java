package org.cooper4j.golden;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.Constraint;
import org.cooper4j.EveryDevice;
import org.cooper4j.LagrangianStore;
import org.cooper4j.golden.GoldenFile.Case;
import org.cooper4j.golden.GoldenFile.Trajectory;
import org.cooper4j.optim.RollOut;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every step of Cooper 1.0.1's trajectories: variables, losses, Lagrangians and their parts. */
@EveryDevice
class GoldenTrajectoryTest {
  @TestFactory
  Stream<DynamicTest> agreesWithCooper() {
    return Stream.of(
            "formulations",
            "primal_optimizers",
            "dual_optimizers",
            "cooper_optimizers",
            "indexed",
            "implicit",
            "penalty_updaters",
            "sharing",
            "several_optimizers",
            "extrapolation",
            "exchange")
        .flatMap(
            family ->
                GoldenFile.cases(family, Case.class).stream()
                    .flatMap(
                        golden ->
                            Stream.of("float32", "float64")
                                .map(dtype -> test(family, golden, dtype))));
  }

  private static DynamicTest test(String family, Case golden, String dtype) {
    String label = family + "/" + golden.name() + " " + dtype;
    var comparison = new GoldenComparison(label, GoldenTensors.tolerance(dtype));
    return dynamicTest(label, () -> run(golden, dtype, comparison));
  }

  private static void run(Case golden, String dtype, GoldenComparison comparison) {
    try (PointerScope variables = new PointerScope()) {
      GoldenRun run = new GoldenRun(golden, GoldenTensors.dtype(dtype));
      for (int step = 0; step < golden.steps(); step++) {
        RollOut rollOut = run.step(step);
        try (PointerScope temporaries = new PointerScope()) {
          compare(comparison, golden.trajectory().get(dtype), step, run.problem(), rollOut);
        }
      }
    }
  }

  private static void compare(
      GoldenComparison comparison,
      Trajectory expected,
      int step,
      GoldenProblem problem,
      RollOut rollOut) {
    LagrangianStore primal = rollOut.primalLagrangianStore();
    LagrangianStore dual = rollOut.dualLagrangianStore();
    comparison.check(step, "loss", expected.loss()[step], rollOut.loss());
    comparison.check(
        step,
        "primal_lagrangian",
        expected.primalLagrangian()[step],
        primal.lagrangian().orElse(null));
    comparison.check(
        step, "dual_lagrangian", expected.dualLagrangian()[step], dual.lagrangian().orElse(null));
    Map<String, Constraint> names = problem.namedConstraints();
    Map.<String, Map<String, double[][]>>of(
            "primal_multiplier_values", expected.primalMultiplierValues(),
            "primal_penalty_values", expected.primalPenaltyValues(),
            "dual_multiplier_values", expected.dualMultiplierValues(),
            "dual_penalty_values", expected.dualPenaltyValues())
        .forEach(
            (key, values) -> {
              LagrangianStore store = key.startsWith("primal") ? primal : dual;
              Map<Constraint, Tensor> found =
                  key.contains("multiplier")
                      ? store.multiplierValues()
                      : store.penaltyCoefficientValues();
              values.forEach(
                  (name, rows) ->
                      comparison.check(
                          step, key + "." + name, rows[step], found.get(names.get(name))));
            });
    expected
        .primal()
        .forEach(
            (name, rows) ->
                comparison.check(step, "primal." + name, rows[step], problem.primal().get(name)));
    Map<String, Tensor> parameters = problem.dual();
    expected
        .multipliers()
        .forEach(
            (key, state) ->
                state.forEach(
                    (name, rows) ->
                        comparison.check(
                            step,
                            "multipliers." + key + "." + name,
                            rows[step],
                            parameters.get(key + "." + name))));
    expected
        .penalties()
        .forEach(
            (key, rows) ->
                comparison.check(
                    step, "penalties." + key, rows[step], problem.penalties().get(key).value()));
  }
}
