package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.AnotherThread;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.Devices;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.formulations.PenaltyBarrier;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.multipliers.ModuleMultiplier;
import org.cooper4j.optim.torch.ExtraSGD;
import org.cooper4j.optim.torch.ExtraSGDOptions;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIOptions;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DualRatesTest {
  private static Tensor doubles(double... values) {
    return Tensor.create(values, values.length);
  }

  private static <B> SimultaneousOptimizer<B> descent(
      ConstrainedMinimizationProblem<B> problem, Tensor x, double rate) {
    return new SimultaneousOptimizer<>(
        problem,
        new SGD(new TensorVector(x), new SGDOptions(rate)),
        DualRates.controller(problem.dualParameters()));
  }

  /**
   * min ½ Σ h (x − target)² / noise subject to s (a x − b) ≤ 0 or = 0, a row each, with noise in
   * the loss's gradient that is the same in every run.
   */
  private static final class Quadratic {
    final Tensor x = doubles(3, -2, 1, 0.5).requires_grad_(true);
    final Tensor curvature = doubles(1, 3, 0.3, 2);
    final Tensor a = doubles(1, 1, 0, 0, 0, 1, 1, 1).reshape(2, 4);
    final Tensor b = doubles(1, -1);
    final Constraint rows;
    final ConstrainedMinimizationProblem<Integer> problem;
    final SimultaneousOptimizer<Integer> optimizer;
    final DualRates rates;

    Quadratic(ConstraintType type, double lossScale, double adam, double... scales) {
      rows = new Constraint(type, new DenseMultiplier(doubles(0, 0)));
      Tensor s = doubles(scales);
      problem =
          ConstrainedMinimizationProblem.of(
              Map.of("rows", rows),
              step -> {
                Tensor noise = doubles(Math.sin(step), Math.cos(3 * step), Math.sin(7 * step), 0);
                Tensor loss =
                    x.sub(new Scalar(2.0)).square().mul(curvature).sum().add(noise.dot(x));
                return CMPState.of(loss.mul(new Scalar(lossScale)))
                    .observe(rows, a.mv(x).sub(b).mul(s));
              });
      TensorVector variables = new TensorVector(x);
      Optimizer primal =
          adam > 0
              ? new Adam(variables, new AdamOptions(adam))
              : new SGD(variables, new SGDOptions(0.05 / lossScale));
      optimizer =
          new SimultaneousOptimizer<>(
              problem, primal, DualRates.controller(problem.dualParameters()));
      rates = DualRates.of(optimizer);
    }

    double[] run(int from, int to) {
      for (int step = from; step < to; step++) {
        optimizer.roll(step);
      }
      return Devices.values(x);
    }

    /** Of the mean iterate of so many steps, which the noise moves less. */
    double worst(int from, int to) {
      Tensor mean = x.detach().mul(new Scalar(0.0));
      for (int step = from; step < to; step++) {
        optimizer.roll(step);
        mean.add_(x.detach().div(new Scalar(to - from)));
      }
      double[] values = Devices.values(a.mv(mean).sub(b));
      return rows.constraintType() == EQUALITY
          ? Math.max(Math.abs(values[0]), Math.abs(values[1]))
          : Math.max(values[0], values[1]);
    }
  }

  @ParameterizedTest(name = "{0} × the loss, {1} and {2} × the rows, Adam at {3}")
  @CsvSource({
    "1, 1e4, 1e4, 0",
    "1, 1e-6, 1e6, 0",
    "1e5, 1, 1, 0",
    "1e-4, 1e6, 1e-6, 0",
    "1, 1e4, 1e4, 0.05",
    "1, 1e-6, 1e6, 0.05"
  })
  void scalesOfLossAndConstraintsChangeNoTrajectory(
      double lossScale, double first, double second, double adam) {
    for (ConstraintType type : ConstraintType.values()) {
      Quadratic plain = new Quadratic(type, 1, adam, 1, 1);
      Quadratic scaled = new Quadratic(type, lossScale, adam, first, second);
      for (int step = 0; step < 400; step += 50) {
        assertThat(scaled.run(step, step + 50))
            .containsExactly(plain.run(step, step + 50), within(1e-6));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.003, 0.01})
  void constraintsComeToHoldWithoutARate(double adam) {
    for (ConstraintType type : ConstraintType.values()) {
      Quadratic quadratic = new Quadratic(type, 1, adam, 1e3, 1e-3);
      quadratic.run(0, 2000);
      assertThat(quadratic.worst(2000, 3000)).isLessThan(0.01);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 30, 31, 32, 37})
  void aResumedRunIsTheUninterruptedOneBitForBit(int at, @TempDir Path folder) throws Exception {
    Quadratic whole = new Quadratic(INEQUALITY, 1, 0.05, 1, 1e3);
    whole.run(0, 100);
    Quadratic first = new Quadratic(INEQUALITY, 1, 0.05, 1, 1e3);
    first.run(0, at);
    Checkpoint.save(
        folder.resolve("run.pt"),
        Map.of(
            "x", first.x.detach(),
            "cmp", first.problem.stateDict(),
            "optimizer", first.optimizer.stateDict()));
    Quadratic second = new Quadratic(INEQUALITY, 1, 0.05, 1, 1e3);
    second.run(0, 13);
    Checkpoint saved = Checkpoint.load(folder.resolve("run.pt"));
    second.x.set_data(saved.tensor("x"));
    second.problem.loadStateDict(saved.map("cmp").asMap());
    second.optimizer.loadStateDict(saved.map("optimizer").asMap());
    assertThat(second.run(at, 100)).isEqualTo(Devices.values(whole.x));
    assertThat(second.rows.multiplierValues()).isEqualTo(whole.rows.multiplierValues());
    assertThat(second.rates.units()).containsOnlyKeys("rows");
    assertThat(second.rates.units().get("rows")).isEqualTo(whole.rates.units().get("rows"));
    assertThat(second.rates.reaches().get("rows")).isEqualTo(whole.rates.reaches().get("rows"));
  }

  @ParameterizedTest
  @CsvSource({
    "steps, -1, steps: expected a whole number",
    "before, 3, before: expected a list of tensors",
    "scales, 3, scales: expected a dict"
  })
  void aStateThatDoesNotFitChangesNothing(String key, long value, String message) {
    Quadratic quadratic = new Quadratic(INEQUALITY, 1, 0, 1, 1);
    quadratic.run(0, 30);
    Map<String, Object> state = new HashMap<>(quadratic.rates.stateDict());
    state.put(key, value);
    assertThatThrownBy(() -> quadratic.rates.loadStateDict(state))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
    state.putAll(quadratic.rates.stateDict());
    state.put("scales", Map.of("other", Map.of()));
    assertThatThrownBy(() -> quadratic.rates.loadStateDict(state))
        .hasMessageContaining("scales.other: no such constraint; there are [rows]");
    state.put("scales", Map.of("rows", Map.of("unit", List.of(Double.NaN, 1.0))));
    assertThatThrownBy(() -> quadratic.rates.loadStateDict(state))
        .hasMessageContaining("scales.rows.unit: expected a list of numbers from 0");
    for (int rows : new int[] {1, 3}) {
      List<Double> ones = Collections.nCopies(rows, 1.0);
      state.put(
          "scales", Map.of("rows", Map.of("unit", ones, "reach", ones, "measurements", ones)));
      assertThatThrownBy(() -> quadratic.rates.loadStateDict(state))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll(
              "scales.rows.unit: expected a list of numbers from 0", "2 of them");
    }
    Quadratic undisturbed = new Quadratic(INEQUALITY, 1, 0, 1, 1);
    assertThat(quadratic.run(30, 60)).isEqualTo(undisturbed.run(0, 60));
  }

  @ParameterizedTest
  @CsvSource({"steps", "turn"})
  void whatIsNoCountIsRefused(String key) {
    for (Object value : new Object[] {Double.NaN, 1.5, -1L, Long.MAX_VALUE, "3"}) {
      assertRefused(Map.of(key, value), key + ": expected a whole number from 0");
    }
  }

  @Test
  void whatIsNoMeasurementIsRefused() {
    for (Object value : new Object[] {Double.NaN, -1.0, 1e300, Double.POSITIVE_INFINITY, "3"}) {
      assertRefused(scales("unit", value), "scales.rows.unit: expected a list of numbers from 0");
      assertRefused(scales("reach", value), "scales.rows.reach: expected a list of numbers");
    }
    for (Object value : new Object[] {Double.NaN, 1.5, -1.0, 1e300}) {
      assertRefused(
          scales("measurements", value), "scales.rows.measurements: expected a list of counts");
    }
  }

  @Test
  void whatIsNoMeanOfStepsIsRefused() {
    for (Object value : new Object[] {Double.NaN, 0.5, -1, 1e300, "3", List.of(1.0)}) {
      assertRefused(scales("every", value), "scales.rows.every: expected a number from 1 to 2^53");
      assertRefused(scales("seen", value), "scales.rows.seen: expected a whole number from 0");
    }
  }

  @Test
  void keysThatNobodyKnowsAreRefused() {
    assertRefused(Map.of("extra", 1), "extra: unexpected key; expected [steps, turn, before");
    assertRefused(scales("extra", 1), "scales.rows.extra: unexpected key; expected [unit, reach");
  }

  @Test
  void variablesThatAreNotLikeTheProblemsAreRefused() {
    Tensor four = torch.zeros(4).to(ScalarType.Double);
    assertRefused(Map.of("before", List.of(torch.zeros(4))), "before[0]: expected float64[4]");
    assertRefused(Map.of("before", List.of(doubles(1))), "before[0]: expected shape [4]");
    assertRefused(Map.of("before", List.of(four.to_sparse())), "found float64[4], sparse");
    assertRefused(
        Map.of("before", List.of(four.div(four))), "before[0] has a NaN or infinite entry");
    assertRefused(Map.of("before", List.of(new Tensor())), "before[0] is an undefined tensor");
    assertRefused(Map.of("before", List.of(four, four)), "before: expected 1 tensors, found 2");
  }

  private static Map<String, Object> scales(String key, Object value) {
    Map<String, Object> rows = new HashMap<>();
    for (String each : List.of("unit", "reach", "measurements")) {
      rows.put(each, List.of(1.0, 1.0));
    }
    rows.put("every", 1.0);
    rows.put("seen", 30L);
    rows.put(key, key.equals("every") || key.equals("seen") ? value : List.of(1.0, value));
    return Map.of("scales", Map.of("rows", rows));
  }

  /** Loads a state with another part, after which the run goes on as if nothing had happened. */
  private static void assertRefused(Map<String, Object> part, String message) {
    Quadratic quadratic = new Quadratic(INEQUALITY, 1, 0, 1, 1);
    quadratic.run(0, 31);
    Map<String, Object> state = new HashMap<>(quadratic.rates.stateDict());
    state.putAll(part);
    assertThatThrownBy(() -> quadratic.rates.loadStateDict(state))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
    assertThat(quadratic.run(31, 50)).isEqualTo(new Quadratic(INEQUALITY, 1, 0, 1, 1).run(0, 50));
  }

  @Test
  void aReachOfZeroIsThatOfVariablesThatStand() {
    Quadratic quadratic = new Quadratic(INEQUALITY, 1, 0, 1, 1);
    quadratic.run(0, 31);
    Map<String, Object> state = new HashMap<>(quadratic.rates.stateDict());
    state.putAll(scales("reach", 0.0));
    quadratic.rates.loadStateDict(state);
    assertThat(quadratic.rates.reaches().get("rows")).containsExactly(1, 0);
    assertThat(quadratic.run(31, 60)).doesNotContain(Double.NaN);
  }

  @Test
  void dualStepsThatFollowMoreThanTheGradientAreRefused() {
    Quadratic quadratic = new Quadratic(INEQUALITY, 1, 0, 1, 1);
    SGD primal = new SGD(new TensorVector(quadratic.x), new SGDOptions(0.05));
    TensorVector multipliers = quadratic.problem.dualParameters();
    SGDOptions momentum = new SGDOptions(0.1);
    momentum.momentum().put(0.9);
    SGDOptions decay = new SGDOptions(0.1);
    decay.weight_decay().put(0.01);
    Map<Optimizer, String> refused =
        Map.of(
            new SGD(multipliers, momentum), "SGD with momentum 0.9",
            new SGD(multipliers, decay), "SGD with weight_decay 0.01",
            new NuPI(multipliers, new NuPIOptions(1).weightDecay(0.5)), "NuPI with weight_decay");
    refused.forEach(
        (dual, message) ->
            assertRefused(new SimultaneousOptimizer<>(quadratic.problem, primal, dual), message));
    assertRefused(
        new ExtrapolationConstrainedOptimizer<>(
            quadratic.problem,
            new ExtraSGD(new TensorVector(quadratic.x), new ExtraSGDOptions(0.05)),
            new ExtraSGD(multipliers, new ExtraSGDOptions(1).momentum(0.5))),
        "ExtraSGD with momentum 0.5");
    var heavy =
        new SimultaneousOptimizer<>(quadratic.problem, primal, new SGD(multipliers, momentum));
    var plain =
        new SimultaneousOptimizer<>(
            quadratic.problem, primal, new SGD(multipliers, new SGDOptions(0.1)));
    DualRates.of(plain);
    plain.loadStateDict(heavy.stateDict());
    assertThatThrownBy(() -> plain.roll(0)).hasMessageContaining("SGD with momentum 0.9");
  }

  private static void assertRefused(ConstrainedOptimizer<?> optimizer, String message) {
    assertThatThrownBy(() -> DualRates.of(optimizer))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(message, "give DualRates.controller(");
    assertThat(optimizer.dualHooks()).matches(Hooks::isEmpty, "none");
  }

  @Test
  void unitAndReachOfGradientDescentAreWhatTheFormulasSay() {
    Tensor x = doubles(1, 2).requires_grad_(true);
    Constraint line = new Constraint(INEQUALITY, new DenseMultiplier(1));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("line", line),
            unused ->
                CMPState.of(x.mul(doubles(6, 1)).sum())
                    .lessOrEqual(line, x.mul(doubles(3, 4)).sum(), 0));
    var optimizer = descent(problem, x, 0.1);
    DualRates rates = DualRates.of(optimizer);
    assertThat(optimizer.roll().values().misc()).isEmpty();
    assertThat(line.multiplierValue()).isZero();
    RollOut second = optimizer.roll();
    double unit = (6 * 3 + 1 * 4) / 25.0;
    double reach = 0.6 * 3 + 0.1 * 4;
    assertThat(rates.units().get("line")).containsExactly(new double[] {unit}, within(1e-12));
    assertThat(rates.reaches().get("line")).containsExactly(new double[] {reach}, within(1e-12));
    assertThat(second.values().misc().get("dual_unit/line")).isEqualTo(unit, within(1e-12));
    double e = unit * Math.min(1, (11 - reach) / (50 * reach));
    assertThat(line.multiplierValue()).isEqualTo(e / 50 + 2 * e, within(1e-6));
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 5, 10, 30})
  void theReachIsThatOfOneStepHoweverRarelyAConstraintIsObserved(int every) {
    Tensor x = doubles(1, 2).requires_grad_(true);
    Constraint always = new Constraint(INEQUALITY, new DenseMultiplier(doubles(0)));
    Constraint rarely = new Constraint(INEQUALITY, new DenseMultiplier(doubles(0)));
    var problem =
        ConstrainedMinimizationProblem.<Integer>of(
            Map.of("always", always, "rarely", rarely),
            step -> {
              CMPState state = CMPState.of(x.mul(doubles(6, 1)).sum());
              state.lessOrEqual(always, x.select(0, 0), 1e6);
              return step % every == every / 2
                  ? state.lessOrEqual(rarely, x.mul(doubles(3, 4)).sum(), 1e6)
                  : state;
            });
    var optimizer = descent(problem, x, 0.1);
    DualRates rates = DualRates.of(optimizer);
    int measured = 0;
    for (int step = 0; step < 300; step++) {
      RollOut out = optimizer.roll(step);
      measured += out.values().misc().containsKey("dual_reach/rarely") ? 1 : 0;
    }
    double reach = 0.6 * 3 + 0.1 * 4;
    assertThat(rates.reaches().get("rarely")).containsExactly(new double[] {reach}, within(1e-9));
    assertThat(rates.reaches().get("always")).containsExactly(new double[] {0.6}, within(1e-9));
    assertThat(measured).isGreaterThan(3);
  }

  /**
   * min Σ c (x − 2)² with noise in its gradient subject to s (x₀ + x₁ − 1) ≤ 0, so many times,
   * which every k-th batch has: the means of ten rounds.
   */
  private static List<Double> meansOfARareOne(int every, int rows) {
    Tensor x = doubles(3, -2, 1, 0.5).requires_grad_(true);
    Tensor ones = torch.ones(rows).to(ScalarType.Double);
    Constraint rare = new Constraint(INEQUALITY, new DenseMultiplier(ones.mul(new Scalar(0.0))));
    var problem =
        ConstrainedMinimizationProblem.<Integer>of(
            Map.of("rare", rare),
            step -> {
              Tensor noise = doubles(Math.sin(step), Math.cos(3 * step), Math.sin(7 * step), 0);
              CMPState state =
                  CMPState.of(
                      x.sub(new Scalar(2.0))
                          .square()
                          .mul(doubles(1, 3, 0.3, 2))
                          .sum()
                          .add(noise.dot(x).mul(new Scalar(0.1))));
              Tensor violation = x.narrow(0, 0, 2).sum().sub(new Scalar(1.0));
              return step % every == every - 1
                  ? state.observe(rare, ones.mul(violation).mul(new Scalar(1e-4)))
                  : state;
            });
    var optimizer = descent(problem, x, 0.01);
    DualRates.of(optimizer);
    List<Double> means = new ArrayList<>();
    double sum = 0;
    for (int step = 1; step <= 1000 * every; step++) {
      optimizer.roll(step - 1);
      double[] at = Devices.values(x);
      sum += at[0] + at[1] - 1;
      if (step % (10 * every) == 0) {
        means.add(sum / (10 * every));
        sum = 0;
      }
    }
    return means;
  }

  private static int roundsUntilItHolds(List<Double> means) {
    int rounds = 0;
    while (rounds < means.size() && means.get(rounds) > 0.1) {
      rounds++;
    }
    return rounds;
  }

  @ParameterizedTest
  @CsvSource({"5, 2", "20, 4"}) // of 20 steps the pull is that of 8
  void aConstraintThatIsObservedRarelyTakesAsManyObservations(int every, int most) {
    assertThat(roundsUntilItHolds(meansOfARareOne(every, 1)))
        .isLessThan(most * roundsUntilItHolds(meansOfARareOne(1, 1)));
  }

  @ParameterizedTest
  @CsvSource({"5, 2", "5, 8", "20, 2"})
  void rareRowsThatPullTogetherDoNotSwing(int every, int rows) {
    List<Double> means = meansOfARareOne(every, rows);
    assertThat(means.subList(means.size() - 20, means.size()))
        .allSatisfy(mean -> assertThat(mean).isBetween(-1.0, 1.0));
  }

  @Test
  void onePauseIsNoHabit() {
    DualScales scales = new DualScales(1);
    scales.add(0, 1, 1);
    scales.pulls(1);
    scales.pulls(1001);
    assertThat(scales.perPull(8)[0]).isBetween(1.0, 1.3);
    for (int step = 1006; step < 1500; step += 5) {
      scales.pulls(step);
    }
    assertThat(scales.perPull(8)).containsExactly(new double[] {5}, within(1e-2));
    assertThat(scales.perPull(4)).containsExactly(4);
  }

  /** min ½ ‖x‖² with noise in its gradient subject to Σ x ≥ 4: how many steps to a mean of 3.9. */
  private static int stepsUntilFeasible(double start, double adam) {
    Tensor x = doubles(start, start, start, start).requires_grad_(true);
    Constraint above = new Constraint(INEQUALITY, new DenseMultiplier(doubles(0)));
    var problem =
        ConstrainedMinimizationProblem.<Integer>of(
            Map.of("above", above),
            step -> {
              Tensor noise = doubles(Math.sin(step), Math.cos(3 * step), Math.sin(7 * step), 0);
              return CMPState.of(
                      x.square().sum().div(new Scalar(2.0)).add(noise.dot(x).mul(new Scalar(0.01))))
                  .greaterOrEqual(above, x.sum(), 4);
            });
    TensorVector variables = new TensorVector(x);
    Optimizer primal =
        adam > 0
            ? new Adam(variables, new AdamOptions(adam))
            : new SGD(variables, new SGDOptions(0.05));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem, primal, DualRates.controller(problem.dualParameters()));
    DualRates.of(optimizer);
    int steps = 0;
    while (x.sum().item_double() < 3.9 && steps < 5000) {
      optimizer.roll(steps++);
    }
    return steps;
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.01})
  void atTheMinimumOfTheLossItStartsNearlyAsSoonAsElsewhere(double adam) {
    assertThat(stepsUntilFeasible(0, adam)).isLessThan(stepsUntilFeasible(-3, adam) + 20);
  }

  @Test
  void everySchemeOfStepsComesToTheSolution() {
    for (String scheme : List.of("dual primal", "primal dual", "parts", "extra", "past")) {
      Tensor x = doubles(2, 2).requires_grad_(true);
      Constraint line = new Constraint(EQUALITY, new DenseMultiplier(doubles(0)));
      var problem =
          ConstrainedMinimizationProblem.<Void>of(
              Map.of("line", line),
              unused -> CMPState.of(x.square().sum()).equal(line, x.sum().reshape(1), 1));
      TensorVector primal = new TensorVector(x);
      var dual = DualRates.controller(problem.dualParameters());
      ConstrainedOptimizer<Void> optimizer =
          switch (scheme) {
            case "dual primal" ->
                new AlternatingDualPrimalOptimizer<>(
                    problem, new SGD(primal, new SGDOptions(0.05)), dual);
            case "primal dual" ->
                new AlternatingPrimalDualOptimizer<>(
                    problem, new SGD(primal, new SGDOptions(0.05)), dual);
            case "extra" -> Schemes.EXTRAPOLATION.sgd(problem, primal, 0.05);
            case "past" -> Schemes.PAST_EXTRAPOLATION.sgd(problem, primal, 0.05);
            default ->
                new SimultaneousOptimizer<>(problem, new SGD(primal, new SGDOptions(0.05)), dual);
          };
      DualRates.of(optimizer);
      List<Void> parts = new ArrayList<>();
      parts.add(null);
      parts.add(null);
      for (int i = 0; i < 2000; i++) {
        if (scheme.equals("parts")) {
          optimizer.rollAccumulated(parts);
        } else {
          optimizer.roll();
        }
      }
      assertThat(Devices.values(x))
          .as(scheme)
          .containsExactly(new double[] {0.5, 0.5}, within(1e-3));
    }
  }

  @Test
  void indexedMultipliersHaveOneUnit() {
    torch.manual_seed(0);
    Tensor a = torch.randn(10, 40).div(new Scalar(6.0));
    Tensor b = torch.randn(10).mul(new Scalar(0.3));
    Tensor x = torch.zeros(40).requires_grad_(true);
    Constraint rows = new Constraint(EQUALITY, new IndexedMultiplier(10));
    var problem =
        ConstrainedMinimizationProblem.<Tensor>of(
            Map.of("rows", rows),
            i ->
                CMPState.of(x.square().sum())
                    .observe(
                        rows,
                        ConstraintState.builder(
                                a.index_select(0, i).mv(x).sub(b.index_select(0, i)))
                            .constraintFeatures(i)
                            .build()));
    var optimizer = descent(problem, x, 0.02);
    DualRates rates = DualRates.of(optimizer);
    Tensor mean = torch.zeros(40);
    for (int i = 0; i < 6000; i++) {
      optimizer.roll(torch.randperm(10).narrow(0, 0, 5));
      if (i >= 5000) {
        mean.add_(x.detach().div(new Scalar(1000)));
      }
    }
    assertThat(rates.units().get("rows")).hasSize(1);
    assertThat(a.mv(mean).sub(b).abs().max().item_double()).isLessThan(0.05);
  }

  @Test
  void aLargeFamilyWhoseElementsPullTogetherDoesNotSwing() {
    Tensor x = doubles(2).requires_grad_(true);
    Tensor ones = torch.ones(500).to(ScalarType.Double);
    Constraint same = new Constraint(INEQUALITY, new DenseMultiplier(ones.mul(new Scalar(0.0))));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("same", same),
            unused ->
                CMPState.of(x.sub(new Scalar(3.0)).square().sum())
                    .lessOrEqual(same, ones.mul(x), 1));
    var optimizer = descent(problem, x, 0.05);
    DualRates.of(optimizer);
    for (int i = 0; i < 1000; i++) {
      optimizer.roll();
    }
    assertThat(x.item_double()).isEqualTo(1, within(1e-2));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"at the optimum of the loss", "a loss of other variables", "no slope yet"})
  void whatHasNoSlopeAtFirstIsNoTrap(String start) {
    Tensor x = doubles(0, 0).requires_grad_(true);
    boolean other = start.equals("a loss of other variables");
    Constraint above = new Constraint(INEQUALITY, new DenseMultiplier(doubles(0)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("above", above),
            unused -> {
              Tensor y = x.select(0, 1);
              Tensor loss = x.select(0, 0).sub(new Scalar(1.0)).square();
              Tensor violation = y.neg().add(new Scalar(1.0)).reshape(1);
              if (start.equals("no slope yet")) {
                // g is flat until the loss has moved x to the right
                violation = violation.mul(x.select(0, 0).sub(new Scalar(0.5)).relu());
                violation = violation.add(x.select(0, 0).mul(new Scalar(0.0)));
              }
              return CMPState.of(other ? loss : loss.add(y.square())).observe(above, violation);
            });
    if (start.equals("at the optimum of the loss")) {
      x.set_data(doubles(1, 0));
    }
    var optimizer = descent(problem, x, 0.02);
    DualRates.of(optimizer);
    for (int i = 0; i < 3000; i++) {
      optimizer.roll();
    }
    double left =
        start.equals("no slope yet")
            ? (1 - Devices.values(x)[1]) * Math.max(0, Devices.values(x)[0] - 0.5)
            : 1 - Devices.values(x)[1];
    assertThat(left).isLessThan(0.01);
  }

  @Test
  void aGradientThatIsNotFiniteSaysNothing() {
    Tensor x = doubles(1).requires_grad_(true);
    Constraint c = new Constraint(INEQUALITY, new DenseMultiplier(doubles(0)));
    boolean[] broken = {false};
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", c),
            unused ->
                CMPState.of(x.square().sum())
                    .observe(
                        c,
                        broken[0]
                            ? x.mul(new Scalar(0.0)).sqrt() // whose gradient is NaN
                            : x.neg().add(new Scalar(2.0))));
    var optimizer = descent(problem, x, 0);
    DualRates rates = DualRates.of(optimizer);
    for (int i = 0; i < 11; i++) {
      optimizer.roll();
    }
    double[] before = rates.units().get("c");
    broken[0] = true;
    optimizer.roll();
    assertThat(rates.units().get("c")).isEqualTo(before);
    assertThat(c.multiplierValue()).isFinite();
  }

  @Test
  void whatItCannotServeIsRefused() {
    Tensor x = doubles(1).requires_grad_(true);
    Constraint c = new Constraint(INEQUALITY, new DenseMultiplier(doubles(0)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", c),
            unused ->
                CMPState.of(x.square().sum())
                    .observe(
                        c,
                        ConstraintState.builder(doubles(1))
                            .contributesToPrimalUpdate(false)
                            .build()));
    SGD primal = new SGD(new TensorVector(x), new SGDOptions(0.1));
    var byAdam =
        new SimultaneousOptimizer<>(
            problem, primal, new Adam(problem.dualParameters(), new AdamOptions(0.1)));
    assertThatThrownBy(() -> DualRates.of(byAdam))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a dual optimizer is Adam")
        .hasMessageContaining("DualRates.controller(problem.dualParameters())");
    var optimizer = descent(problem, x, 0.1);
    DualRates.of(optimizer);
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 100; i++) {
                optimizer.roll();
              }
            })
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'c' had no gradient beside the loss's");
    assertThat(c.multiplierValue()).isZero();

    LinearImpl module = new LinearImpl(1, 1);
    Constraint implicit =
        new Constraint(
            INEQUALITY, new ModuleMultiplier(module, features -> module.forward(features)));
    var byModule =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("implicit", implicit), unused -> CMPState.of(x.sum()));
    var third =
        new SimultaneousOptimizer<>(
            byModule, primal, new SGD(byModule.dualParameters(), new SGDOptions(0.1)));
    assertThatThrownBy(() -> DualRates.of(third))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'implicit': a module computes its multiplier");
  }

  @Test
  void multipliersThatChangeByFactorsAreRefused() {
    Tensor x = doubles(1).requires_grad_(true);
    Constraint barred =
        new Constraint(
            INEQUALITY,
            PenaltyBarrier::new,
            new DenseMultiplier(doubles(1)),
            new DensePenaltyCoefficient(1.0));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("barred", barred),
            unused -> CMPState.of(x.square().sum()).greaterOrEqual(barred, x, 1));
    var optimizer = descent(problem, x, 0.1);
    assertThatThrownBy(() -> DualRates.of(optimizer))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'barred': the multipliers of PenaltyBarrier");
  }

  /** min (x − 2)² + (y − 1)² subject to x ≤ 0.5, whose row not all batches have. */
  private static final class Sometimes {
    final Tensor x = doubles(0, 0).requires_grad_(true);
    final Constraint first = new Constraint(INEQUALITY, new DenseMultiplier(doubles(0)));
    final ConstrainedMinimizationProblem<Boolean> problem =
        ConstrainedMinimizationProblem.of(
            Map.of("first", first),
            has -> {
              Tensor violation = x.select(0, 0).sub(new Scalar(0.5));
              return CMPState.of(x.sub(doubles(2, 1)).square().sum())
                  .observe(first, has ? violation : violation.mul(new Scalar(0.0)));
            });
    final SimultaneousOptimizer<Boolean> optimizer = descent(problem, x, 0.05);

    Sometimes() {
      DualRates.of(optimizer);
    }
  }

  @Test
  void aRowThatTheMeasuredStepsLackIsMeasuredAtOthers() {
    Sometimes run = new Sometimes();
    for (int i = 0; i < 2000; i++) {
      run.optimizer.roll(i % 10 != 1);
    }
    assertThat(Devices.values(run.x)[0]).isCloseTo(0.5, within(0.1));
  }

  /** A constraint that comes late is measured then, whatever steps were before. */
  @ParameterizedTest
  @ValueSource(ints = {1, 10, 11, 95})
  void aConstraintThatComesAfterPretrainingIsMeasured(int before) {
    Tensor x = doubles(0, 0).requires_grad_(true);
    Constraint sum = new Constraint(INEQUALITY, new DenseMultiplier(doubles(0)));
    var problem =
        ConstrainedMinimizationProblem.<Boolean>of(
            Map.of("sum", sum),
            has -> {
              CMPState state = CMPState.of(x.sub(doubles(2, 1)).square().sum());
              return has ? state.lessOrEqual(sum, x.sum(), 1) : state;
            });
    var optimizer = descent(problem, x, 0.05);
    DualRates rates = DualRates.of(optimizer);
    for (int i = 0; i < before; i++) {
      optimizer.roll(false);
      boolean copied = !((List<?>) rates.stateDict().get("before")).isEmpty();
      assertThat(copied).as("step %d", i).isEqualTo(i % 10 == 0);
    }
    for (int i = 0; i < 3; i++) {
      optimizer.roll(true);
    }
    assertThat(rates.units().get("sum")[0]).isPositive();
    for (int i = 0; i < 600; i++) {
      optimizer.roll(true);
    }
    assertThat(Devices.values(x)).containsExactly(new double[] {1, 0}, within(0.02));
  }

  @Test
  void aPartWithoutARowCountsForNothing() {
    Sometimes run = new Sometimes();
    for (int i = 0; i < 2000; i++) {
      run.optimizer.rollAccumulated(List.of(true, false));
    }
    assertThat(Devices.values(run.x)[0]).isCloseTo(0.5, within(0.02));
  }

  @Test
  void aVariableMayBeFrozenAndUnfrozen() {
    Tensor x = doubles(0, 0).requires_grad_(true);
    Tensor y = doubles(0, 0, 0).requires_grad_(true);
    Constraint sum = new Constraint(INEQUALITY, new DenseMultiplier(doubles(0)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("sum", sum),
            batch ->
                CMPState.of(x.sub(doubles(2, 1)).square().sum().add(y.square().sum()))
                    .observe(sum, x.sum().sub(new Scalar(1.0))));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x, y), new SGDOptions(0.05)),
            DualRates.controller(problem.dualParameters()));
    DualRates.of(optimizer);
    for (int i = 0; i < 600; i++) {
      y.requires_grad_(i / 11 % 2 == 0);
      optimizer.roll();
    }
    assertThat(Devices.values(x)).containsExactly(new double[] {1, 0}, within(0.02));
  }

  @Test
  void halfPrecisionHasUnits() {
    Tensor x = doubles(0, 0).to(ScalarType.Half).requires_grad_(true);
    Constraint sum = new Constraint(INEQUALITY, new DenseMultiplier(doubles(0)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("sum", sum),
            batch ->
                CMPState.of(x.sub(new Scalar(1.0)).square().sum())
                    .observe(sum, x.sum().sub(new Scalar(1.0)).mul(new Scalar(1000.0))));
    var optimizer = descent(problem, x, 0.05);
    DualRates rates = DualRates.of(optimizer);
    for (int i = 0; i < 20; i++) {
      optimizer.roll();
    }
    assertThat(rates.units().get("sum")[0]).isPositive();
  }

  @Test
  void isOneOfAnOptimizerAndOfOneThread() throws Exception {
    Sometimes run = new Sometimes();
    assertThatThrownBy(() -> DualRates.of(run.optimizer))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("has DualRates already");
    Quadratic other = new Quadratic(INEQUALITY, 1, 0, 1, 1);
    List<Throwable> seen = new ArrayList<>();
    other.optimizer.beforePrimalStep(
        gradients -> {
          if (seen.isEmpty()) {
            AnotherThread.thrownBy(other.rates::stateDict).ifPresent(seen::add);
          }
        });
    other.run(0, 3);
    assertThat(seen).hasSize(1).hasOnlyElementsOfType(IllegalStateException.class);
  }
}
