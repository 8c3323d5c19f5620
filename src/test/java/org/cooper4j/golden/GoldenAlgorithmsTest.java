package org.cooper4j.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
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
import org.cooper4j.ConstraintType;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Formulation;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.formulations.PenalizedLagrangian;
import org.cooper4j.formulations.PenaltyBarrier;
import org.cooper4j.formulations.Switched;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.AlternatingDualPrimalOptimizer;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.LRScheduler;
import org.cooper4j.optim.MoreauEnvelope;
import org.cooper4j.optim.PenaltySteps;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.ScheduledValue;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.SwitchingSubgradientOptimizer;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;
import org.cooper4j.penalties.PenaltyBarrierUpdater;
import org.cooper4j.penalties.PenaltyBarrierUpdater.Rule;
import org.cooper4j.penalties.PenaltyCoefficientUpdater;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every step of humancompatible-train's; src/test/python/algorithms_golden.py wrote them. */
class GoldenAlgorithmsTest {
  private static final double TOLERANCE = 1e-9;

  @TestFactory
  Stream<DynamicTest> agreesWithHumancompatibleTrain() throws IOException {
    JsonObject file;
    try (var in =
        new GZIPInputStream(
            GoldenAlgorithmsTest.class.getResourceAsStream("/algorithms.json.gz"))) {
      file =
          JsonParser.parseReader(new InputStreamReader(in, StandardCharsets.UTF_8))
              .getAsJsonObject();
    }
    long epoch = file.get("epoch").getAsLong();
    return file.getAsJsonArray("cases").asList().stream()
        .map(element -> element.getAsJsonObject())
        .map(
            golden ->
                dynamicTest(
                    golden.get("name").getAsString(),
                    () -> {
                      try (PointerScope variables = new PointerScope()) {
                        new Run(golden, epoch).compare();
                      }
                    }));
  }

  /** One case: what Python set up, set up here. */
  private static final class Run {
    private final JsonObject golden;
    private final JsonObject options;
    private final JsonObject data;
    private final String name;
    private final Tensor x;
    private final DenseMultiplier multiplier;
    private DensePenaltyCoefficient penalty;
    private Constraint constraint;
    private ConstrainedMinimizationProblem<Void> problem;
    private CooperOptimizer<Void> optimizer;
    private PenaltyCoefficientUpdater updater;
    private final List<Runnable> afterEpoch = new ArrayList<>();
    private final long epoch;

    Run(JsonObject golden, long epoch) {
      this.golden = golden;
      this.epoch = epoch;
      options = golden.getAsJsonObject("options");
      data = golden.getAsJsonObject("problem");
      name = golden.get("name").getAsString();
      x = vector("x0").requires_grad_(true);
      multiplier = new DenseMultiplier(vector("duals0"));
      switch (name.substring(0, name.indexOf('-'))) {
        case "alm", "ssl" -> augmentedLagrangian();
        case "ialm" -> inexactAugmentedLagrangian();
        case "pbm" -> penaltyBarrier();
        default -> switchingSubgradient();
      }
    }

    private void augmentedLagrangian() {
      boolean augmented = options.has("penalty");
      if (augmented) {
        penalty = new DensePenaltyCoefficient(scalar(number("penalty")));
      }
      pose(
          !augmented
              ? Lagrangian::new
              : text("augmentation").equals("hpr")
                  ? AugmentedLagrangian::bothSides
                  : PenalizedLagrangian::new);
      clamp();
      SGDOptions dual = new SGDOptions(number("lr"));
      if (options.has("momentum")) {
        dual.momentum().put(number("momentum"));
      }
      optimizer =
          new AlternatingDualPrimalOptimizer<>(
              problem, primal(), new SGD(problem.dualParameters(), dual));
      if (options.get("envelope").isJsonObject()) {
        JsonObject envelope = options.getAsJsonObject("envelope");
        optimizer.beforePrimalStep(
            new MoreauEnvelope(
                envelope.get("mu").getAsDouble(),
                envelope.get("beta").getAsDouble(),
                envelope.get("period").getAsLong()));
      }
    }

    private void inexactAugmentedLagrangian() {
      penalty = new DensePenaltyCoefficient(scalar(number("beta")));
      pose(PenalizedLagrangian::new);
      multiplier.clamp(-100, 100);
      var alternating =
          new AlternatingDualPrimalOptimizer<>(
              problem, primal(), new SGD(problem.dualParameters(), new SGDOptions(1)));
      alternating.beforeDualStep(new PenaltySteps(number("gamma")));
      optimizer = alternating;
      updater =
          MultiplicativePenaltyCoefficientUpdater.ofEveryConstraint(
              number("sigma"), Double.POSITIVE_INFINITY);
    }

    private void penaltyBarrier() {
      double[] range = numbers("penalty_range");
      double[] start = new double[3];
      Arrays.fill(start, range[1]);
      penalty = new DensePenaltyCoefficient(GoldenTensors.vector(start, ScalarType.Double));
      pose(
          text("pbf").equals("quadratic_logarithmic")
              ? PenaltyBarrier::new
              : PenaltyBarrier::reciprocal);
      clamp();
      SGD dual = new SGD(problem.dualParameters(), new SGDOptions(1 - number("gamma")));
      optimizer = new SimultaneousOptimizer<>(problem, primal(), dual);
      ScheduledValue factor =
          new ScheduledValue(
              number("penalty_mult"), (k, e) -> 1 - 1 / (Math.sqrt((double) e) + 1 / (1 - k)));
      boolean annealing = options.get("gamma_annealing").getAsBoolean();
      if (annealing) {
        LRScheduler rate =
            new LRScheduler(dual, (base, e) -> 1 / (Math.sqrt((double) e) + 1 / base));
        afterEpoch.add(rate::step);
        afterEpoch.add(factor::step);
      }
      Rule rule =
          switch (text("penalty_update")) {
            case "dimin" -> Rule.DIMINISH;
            case "dimin_dual" -> Rule.DIMINISH_BY_MULTIPLIER;
            case "dimin_adapt" -> Rule.ADAPT;
            case "aimd" -> Rule.ADDITIVE_INCREASE;
            case "alm" -> Rule.PROPORTIONAL;
            default -> null;
          };
      if (rule != null) {
        updater =
            new PenaltyBarrierUpdater(
                    rule, rule == Rule.PROPORTIONAL ? () -> number("rho") : factor::value)
                .delta(number("delta"))
                .range(range[0], range[1]);
      }
    }

    private void switchingSubgradient() {
      constraint = new Constraint(ConstraintType.INEQUALITY, Switched::new, null, null);
      problem = ConstrainedMinimizationProblem.of(Map.of("g", constraint), unused -> evaluate());
      optimizer =
          new SwitchingSubgradientOptimizer<>(
              problem, primal(), number("tolerance"), number("scale"));
    }

    private void pose(Function<ConstraintType, Formulation> formulation) {
      boolean inequality = !options.has("inequality") || options.get("inequality").getAsBoolean();
      constraint =
          new Constraint(
              inequality ? ConstraintType.INEQUALITY : ConstraintType.EQUALITY,
              formulation,
              multiplier,
              penalty);
      problem = ConstrainedMinimizationProblem.of(Map.of("g", constraint), unused -> evaluate());
    }

    private void clamp() {
      double[] range = numbers("dual_range");
      if (range[0] > 0 || name.startsWith("pbm") || name.contains("capped")) {
        multiplier.clamp(range[0], range[1]);
      }
    }

    private Optimizer primal() {
      double rate = number("primal_lr");
      return text("primal").equals("Adam")
          ? new Adam(new TensorVector(x), new AdamOptions(rate))
          : new SGD(new TensorVector(x), new SGDOptions(rate));
    }

    private CMPState evaluate() {
      Tensor loss =
          x.dot(matrix("Q").matmul(x))
              .mul(new Scalar(0.5))
              .add(vector("c").dot(x))
              .add(x.sin().sum());
      Tensor g =
          matrix("A")
              .matmul(x)
              .add(matrix("k").matmul(x.square()).mul(new Scalar(0.5)))
              .sub(vector("b"));
      return CMPState.of(loss).observe(constraint, g);
    }

    void compare() {
      var rows = golden.getAsJsonArray("rows");
      for (int i = 0; i < rows.size(); i++) {
        RollOut rollOut = optimizer.roll();
        JsonObject row = rows.get(i).getAsJsonObject();
        if (row.has("switched")) {
          assertThat(rollOut.values().misc().get(SwitchingSubgradientOptimizer.SWITCHED))
              .as("step %d", i)
              .isEqualTo(row.get("switched").getAsBoolean() ? 1.0 : 0.0);
        } else {
          check(i, row, "duals", multiplier.weight());
        }
        check(i, row, "x", x);
        if (updater != null) {
          updater.step(rollOut.cmpState().observedConstraints());
          check(i, row, "penalties", penalty.value());
        }
        if ((i + 1) % epoch == 0) {
          afterEpoch.forEach(Runnable::run);
        }
      }
    }

    private static void check(int step, JsonObject row, String key, Tensor found) {
      double[] expected = new Gson().fromJson(row.get(key), double[].class);
      double[] values = new double[expected.length];
      found.detach().reshape(-1).to(ScalarType.Double).data_ptr_double().get(values);
      for (int i = 0; i < values.length; i++) {
        assertThat(values[i])
            .as("step %d: %s[%d]", step, key, i)
            .isCloseTo(expected[i], within(TOLERANCE * (1 + Math.abs(expected[i]))));
      }
    }

    private Tensor vector(String key) {
      return GoldenTensors.vector(
          new Gson().fromJson(data.get(key), double[].class), ScalarType.Double);
    }

    private Tensor matrix(String key) {
      double[][] rows = new Gson().fromJson(data.get(key), double[][].class);
      return GoldenTensors.vector(
              Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray(), ScalarType.Double)
          .reshape(rows.length, rows[0].length);
    }

    private static Tensor scalar(double value) {
      return GoldenTensors.vector(new double[] {value}, ScalarType.Double).reshape(new long[0]);
    }

    private double number(String key) {
      return options.get(key).getAsDouble();
    }

    private double[] numbers(String key) {
      return new Gson().fromJson(options.get(key), double[].class);
    }

    private String text(String key) {
      return options.get(key).getAsString();
    }
  }
}
