package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;
import static org.cooper4j.Devices.indices;
import static org.cooper4j.Devices.values;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.Devices;
import org.cooper4j.EveryDevice;
import org.cooper4j.RollValues;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Exponential;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.IndexedPenaltyCoefficient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Micro-batches against one roll over all of their samples, in float64. */
@EveryDevice
class AccumulationTest {
  private static final double[][] SAMPLES = {
    {1, 0.5}, {-2, 1.5}, {0.25, -1}, {3, 2}, {-0.5, 0.75}, {1.5, -2.5}, {2, 2}
  };
  private static final long[] ROWS = {0, 2, 2, 1, 0, 3, 2};

  /** Samples from one number to another. */
  record Range(int from, int to) {}

  private static Tensor doubles(double... values) {
    return Tensor.create(values, values.length).to(Devices.device(), ScalarType.Double);
  }

  private static Tensor samples(Range range) {
    double[] flat = new double[2 * (range.to() - range.from())];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = SAMPLES[range.from() + i / 2][i % 2];
    }
    return doubles(flat).reshape(-1, 2);
  }

  enum Form {
    LAGRANGIAN,
    AUGMENTED,
    CUSTOM;

    Constraint constraint(ConstraintType type, boolean rows) {
      Tensor init = rows ? doubles(0.5, 0.25, 1, 2) : doubles(0.5, 1);
      var multiplier = rows ? new IndexedMultiplier(init) : new DenseMultiplier(init);
      return switch (this) {
        case LAGRANGIAN -> new Constraint(type, Lagrangian::new, multiplier, null);
        case CUSTOM -> new Constraint(type, Exponential::new, multiplier, null);
        case AUGMENTED ->
            new Constraint(
                type,
                AugmentedLagrangian::new,
                multiplier,
                rows
                    ? new IndexedPenaltyCoefficient(doubles(1, 2, 3, 4))
                    : new DensePenaltyCoefficient(doubles(3, 2)));
      };
    }
  }

  /** What a run leaves: variables, multipliers, and the numbers of its rolls. */
  private record Run(List<double[]> variables, List<RollValues> rolls) {}

  private static Run run(Schemes scheme, Form form, List<Range> parts) {
    Tensor x = doubles(0.3, -0.2).requires_grad_(true);
    Map<String, Constraint> constraints = new LinkedHashMap<>();
    constraints.put("dense", form.constraint(INEQUALITY, false));
    constraints.put("proxy", form.constraint(EQUALITY, false));
    constraints.put("rows", form.constraint(INEQUALITY, true));
    Function<Range, CMPState> state =
        range -> {
          Tensor data = samples(range);
          Tensor scores = data.matmul(x);
          long[] rows = java.util.Arrays.copyOfRange(ROWS, range.from(), range.to());
          Tensor gap = data.mul(x).mean(0);
          return CMPState.of(scores.square().mean())
              .samples(range.to() - range.from())
              .observe(constraints.get("dense"), gap.sub(new Scalar(0.1)))
              .observe(
                  constraints.get("proxy"),
                  ConstraintState.builder(data.mul(x).tanh().mean(0))
                      .strictViolation(data.mul(x).detach().mean(0))
                      .build())
              .observe(
                  constraints.get("rows"),
                  ConstraintState.builder(scores.sub(new Scalar(0.2)))
                      .constraintFeatures(indices(rows))
                      .build())
              .misc("score", scores.mean());
        };
    var problem = ConstrainedMinimizationProblem.of(constraints, state);
    var optimizer = scheme.sgd(problem, new TensorVector(x), 0.01);
    Run run = new Run(new ArrayList<>(), new ArrayList<>());
    for (int i = 0; i < 4; i++) {
      RollOut rollOut =
          parts.size() == 1 ? optimizer.roll(parts.get(0)) : optimizer.rollAccumulated(parts);
      run.rolls().add(rollOut.values());
      run.variables().add(values(x));
      problem.multiplierValues().values().forEach(run.variables()::add);
    }
    return run;
  }

  static Stream<Arguments> schemesAndForms() {
    return Stream.of(Schemes.values())
        .flatMap(scheme -> Stream.of(Form.values()).map(form -> Arguments.of(scheme, form)));
  }

  @ParameterizedTest
  @MethodSource("schemesAndForms")
  void unevenMicroBatchesMakeTheStepsOfTheWhole(Schemes scheme, Form form) {
    Run whole = run(scheme, form, List.of(new Range(0, 7)));
    Run parts = run(scheme, form, List.of(new Range(0, 3), new Range(3, 4), new Range(4, 7)));

    for (int i = 0; i < whole.variables().size(); i++) {
      assertThat(parts.variables().get(i)).containsExactly(whole.variables().get(i), within(1e-12));
    }
    for (int i = 0; i < whole.rolls().size(); i++) {
      RollValues expected = whole.rolls().get(i);
      RollValues found = parts.rolls().get(i);
      assertThat(found.loss().getAsDouble())
          .isCloseTo(expected.loss().getAsDouble(), within(1e-12));
      assertThat(found.misc().get("score")).isCloseTo(expected.misc().get("score"), within(1e-12));
      assertThat(found.rows().get("rows")).containsExactly(ROWS);
      expected
          .violations()
          .forEach(
              (name, violation) ->
                  assertThat(found.violations().get(name))
                      .containsExactly(violation, within(1e-12)));
      expected
          .strictViolations()
          .forEach(
              (name, violation) ->
                  assertThat(found.strictViolations().get(name))
                      .containsExactly(violation, within(1e-12)));
    }
  }

  private final Tensor x = doubles(0.3, -0.2).requires_grad_(true);
  private final Constraint c = new Constraint(EQUALITY, new DenseMultiplier(doubles(0.5)));

  private SimultaneousOptimizer<Integer> optimizer(Function<Integer, CMPState> state) {
    var problem = ConstrainedMinimizationProblem.of(Map.of("c", c), state);
    return new SimultaneousOptimizer<>(
        problem,
        new SGD(new TensorVector(x), new SGDOptions(0.5)),
        new SGD(problem.dualParameters(), new SGDOptions(0.5)));
  }

  @Test
  void randomNumbersOfAPartAreTheSameInItsSecondEvaluation() {
    List<Double> drawn = new ArrayList<>();
    var optimizer =
        optimizer(
            part -> {
              double noise = values(torch.rand(1))[0];
              drawn.add(noise);
              return CMPState.of(x.sum()).observe(c, x.sum().mul(new Scalar(noise)));
            });

    optimizer.rollAccumulated(List.of(1, 2));
    double next = values(torch.rand(1))[0];

    assertThat(drawn).hasSize(4);
    assertThat(drawn.subList(2, 4)).isEqualTo(drawn.subList(0, 2));
    assertThat(drawn.get(0)).isNotEqualTo(drawn.get(1));
    assertThat(next).isNotIn(drawn);
  }

  @Test
  void aPartWithoutSamplesDoesNotCount() {
    var optimizer =
        optimizer(
            part -> {
              Tensor scores =
                  part == 0 ? x.mul(doubles(1, 2)) : torch.empty(0).to(ScalarType.Double);
              return CMPState.of(scores.mean()).samples(scores.numel()).observe(c, scores.mean());
            });

    RollValues values = optimizer.rollAccumulated(List.of(0, 1)).values();

    assertThat(values.violation("c")).isCloseTo(-0.05, within(1e-12));
    assertThat(values(x)).doesNotContain(Double.NaN);
  }

  @Test
  void whatFailsHasMovedNothing() {
    int[] calls = {0};
    var optimizer =
        optimizer(
            part -> {
              if (++calls[0] == 4) {
                throw new IllegalStateException("the second evaluation of the second part");
              }
              return CMPState.of(x.square().sum()).observe(c, x.sum());
            });

    assertThatThrownBy(() -> optimizer.rollAccumulated(List.of(1, 2)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("second part");
    assertThat(values(x)).containsExactly(0.3, -0.2);
    assertThat(c.multiplierValue()).isEqualTo(0.5);
    optimizer.roll(1);
    assertThat(c.multiplierValue()).isNotEqualTo(0.5);
  }

  @Test
  void partsThatDoNotFitTogetherAreNamed() {
    AtomicReference<Function<Integer, CMPState>> state = new AtomicReference<>();
    var optimizer = optimizer(part -> state.get().apply(part));
    assertThatThrownBy(() -> optimizer.rollAccumulated(List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no micro-batch was given; give at least one");

    state.set(p -> p == 0 ? CMPState.of(x.sum()).observe(c, x.sum()) : CMPState.of(x.sum()));
    assertThatThrownBy(() -> optimizer.rollAccumulated(List.of(0, 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constraint 'c', micro-batches 0 and 1: it was not observed there");

    state.set(p -> p == 0 ? CMPState.of(x.sum()).samples(3) : CMPState.of(x.sum()));
    assertThatThrownBy(() -> optimizer.rollAccumulated(List.of(0, 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 of 2 micro-batches said how many samples they have");

    state.set(p -> CMPState.of(x.sum()).observe(c, p == 0 ? x.sum() : x));
    assertThatThrownBy(() -> optimizer.rollAccumulated(List.of(0, 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("its violation has another shape there");
    assertThat(values(x)).containsExactly(0.3, -0.2);
  }
}
