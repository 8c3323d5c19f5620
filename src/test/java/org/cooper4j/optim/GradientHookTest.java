package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;
import static org.cooper4j.Devices.here;
import static org.cooper4j.Devices.indices;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
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
import org.cooper4j.Devices;
import org.cooper4j.EveryDevice;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@EveryDevice
class GradientHookTest {
  private static Tensor doubles(double... values) {
    return Tensor.create(values, values.length).to(Devices.device(), ScalarType.Double);
  }

  private static GradientHook clip(String name) {
    return switch (name) {
      case "norm" -> GradientHook.clipNorm(1);
      case "norm_1" -> g -> g.state().misc("grad_norm", g.clipNorm(1.5, 1, true));
      case "norm_inf" ->
          g -> g.state().misc("grad_norm", g.clipNorm(0.5, Double.POSITIVE_INFINITY, false));
      default -> GradientHook.clipValue(0.4);
    };
  }

  /** src/test/python/gradient_hooks.py wrote the numbers, with Cooper. */
  @ParameterizedTest
  @ValueSource(strings = {"norm", "norm_1", "norm_inf", "value"})
  void clippedStepsAreThoseOfPython(String name) throws IOException {
    JsonArray golden;
    try (var in = GradientHookTest.class.getResourceAsStream("/gradient_hooks.json")) {
      golden =
          JsonParser.parseReader(new InputStreamReader(in, StandardCharsets.UTF_8))
              .getAsJsonObject()
              .getAsJsonArray(name);
    }
    Tensor a = doubles(2, -3).requires_grad_(true);
    Tensor b = doubles(1, 0.5).reshape(2, 1).detach().requires_grad_(true);
    Constraint c = new Constraint(INEQUALITY, new DenseMultiplier(doubles(0)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", c),
            unused ->
                CMPState.of(a.square().sum().add(b.square().sum().mul(new Scalar(3.0))))
                    .observe(c, a.sum().add(b.sum()).neg().add(new Scalar(1.0)).reshape(1)));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new Adam(new TensorVector(a, b), new AdamOptions(0.1)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)));
    optimizer.beforePrimalStep(clip(name));

    for (var step : golden) {
      var expected = step.getAsJsonObject();
      RollOut rollOut = optimizer.roll();
      if (!expected.get("norm").isJsonNull()) {
        assertThat(rollOut.values().misc().get("grad_norm"))
            .isCloseTo(expected.get("norm").getAsDouble(), within(1e-12));
      }
      double[] found = new double[5];
      System.arraycopy(values(a), 0, found, 0, 2);
      System.arraycopy(values(b), 0, found, 2, 2);
      found[4] = c.multiplierValue();
      double[] wanted = new double[5];
      for (int i = 0; i < 5; i++) {
        wanted[i] = expected.getAsJsonArray("values").get(i).getAsDouble();
      }
      assertThat(found).containsExactly(wanted, within(1e-12));
    }
  }

  private final Tensor x = vector(2, 3).requires_grad_(true);
  private final Constraint c = new Constraint(EQUALITY, new DenseMultiplier(vector(0.5)));

  private ConstrainedMinimizationProblem<Void> problem() {
    return ConstrainedMinimizationProblem.of(
        Map.of("c", c), unused -> CMPState.of(x.square().sum()).observe(c, x.sum()));
  }

  @ParameterizedTest
  @EnumSource
  void hooksOfBothSidesRunInOrderOnceForEveryPointThatIsDifferentiated(Schemes scheme) {
    var optimizer = scheme.sgd(problem(), new TensorVector(x), 0.125);
    List<String> calls = new ArrayList<>();
    optimizer.beforePrimalStep(g -> calls.add("first " + g.parameters().size()));
    optimizer.beforePrimalStep(g -> calls.add("second " + values(g.norm()).length));
    optimizer.beforeDualStep(g -> calls.add("dual " + values(g.parameters().get(0).grad())[0]));
    optimizer.roll();

    List<String> primal = List.of("first 1", "second 1");
    List<String> expected = new ArrayList<>();
    switch (scheme) {
      case ALTERNATING_DUAL_PRIMAL -> {
        expected.add("dual -5.0");
        expected.addAll(primal);
      }
      case ALTERNATING_PRIMAL_DUAL -> {
        expected.addAll(primal);
        expected.add("dual -3.625");
      }
      case EXTRAPOLATION -> {
        expected.addAll(primal);
        expected.add("dual -5.0");
        expected.addAll(primal);
        expected.add("dual -3.625");
      }
      default -> {
        expected.addAll(primal);
        expected.add("dual -5.0");
      }
    }
    assertThat(calls).isEqualTo(expected);
  }

  @ParameterizedTest
  @EnumSource
  void aPrimalHookThatThrowsHasMovedNothing(Schemes scheme) {
    var optimizer = scheme.sgd(problem(), new TensorVector(x), 0.125);
    int[] calls = {0};
    optimizer.beforePrimalStep(
        g -> {
          if (++calls[0] == (scheme == Schemes.EXTRAPOLATION ? 2 : 1)) {
            throw new IllegalStateException("no");
          }
        });

    assertThatThrownBy(optimizer::roll).isInstanceOf(IllegalStateException.class).hasMessage("no");
    assertThat(values(x)).containsExactly(2, 3);
    assertThat(c.multiplierValue()).isEqualTo(0.5);
    optimizer.roll();
    assertThat(values(x)).isNotEqualTo(new double[] {2, 3});
  }

  @ParameterizedTest
  @EnumSource
  void aDualHookThatThrowsFailsTheRollOrItsDualHalf(Schemes scheme) {
    var optimizer = scheme.sgd(problem(), new TensorVector(x), 0.125);
    optimizer.beforeDualStep(
        g -> {
          throw new IllegalStateException("no");
        });

    assertThatThrownBy(optimizer::roll)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageEndingWith("no");
    assertThat(c.multiplierValue()).isEqualTo(0.5);
    if (scheme != Schemes.ALTERNATING_PRIMAL_DUAL) {
      assertThat(values(x)).containsExactly(2, 3);
    }
  }

  @Test
  void hooksScaleAndChangeWhatTheStepUses() {
    var optimizer =
        new UnconstrainedOptimizer<>(
            ConstrainedMinimizationProblem.<Void>of(
                Map.of(), unused -> CMPState.of(x.sum().mul(new Scalar(8.0)))),
            new SGD(new TensorVector(x), new SGDOptions(1)));
    optimizer.beforePrimalStep(g -> g.scale(1 / 8.0));
    optimizer.beforePrimalStep(
        g -> g.parameters().forEach(parameter -> parameter.grad().add_(here(vector(0, 1)))));

    optimizer.roll();

    assertThat(values(x)).containsExactly(1, 1);
  }

  @Test
  void sparseGradientsOfIndexedMultipliersAreClippedWithTheirDuplicatesAdded() {
    Constraint rows = new Constraint(EQUALITY, new IndexedMultiplier(vector(0, 0, 0)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("rows", rows),
            unused ->
                CMPState.of(x.sum())
                    .observe(
                        rows,
                        ConstraintState.builder(x.mul(vector(1, 1)))
                            .strictViolation(vector(3, 1, 3))
                            .strictConstraintFeatures(indices(2, 0, 2))
                            .constraintFeatures(indices(2, 0))
                            .build()));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(1)),
            new SGD(problem.dualParameters(), new SGDOptions(1)));
    optimizer.beforeDualStep(g -> g.clipValue(2));
    optimizer.beforeDualStep(GradientHook.clipNorm(100));

    double norm = optimizer.roll().values().misc().get(GradientHook.NORM);

    assertThat(rows.multiplierValues()).containsExactly(1, 0, 2);
    assertThat(norm).isCloseTo(Math.sqrt(5), within(1e-6));
  }

  @Test
  void aNormThatIsNotFiniteIsAnErrorIfAskedFor() {
    var optimizer =
        new UnconstrainedOptimizer<>(
            ConstrainedMinimizationProblem.<Void>of(
                Map.of(), unused -> CMPState.of(x.sub(vector(2, 3)).sqrt().sum())),
            new SGD(new TensorVector(x), new SGDOptions(1)));
    optimizer.beforePrimalStep(g -> g.clipNorm(1, 2, true));

    assertThatThrownBy(optimizer::roll)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "the norm of order 2 of the gradients is NaN or infinite, so that they cannot be"
                + " clipped to it");
    assertThat(values(x)).containsExactly(2, 3);
  }

  @ParameterizedTest
  @CsvSource({"-1", "NaN"})
  void boundsBelowZeroAreRefused(double bound) {
    assertThatThrownBy(() -> GradientHook.clipNorm(bound))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected at least 0");
    assertThatThrownBy(() -> GradientHook.clipValue(bound))
        .isInstanceOf(IllegalArgumentException.class);
    var optimizer = Schemes.SIMULTANEOUS.sgd(problem(), new TensorVector(x), 0.125);
    optimizer.beforePrimalStep(g -> g.norm(bound));
    assertThatThrownBy(optimizer::roll)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("norm_type is");
    assertThat(values(x)).containsExactly(2, 3);
  }
}
