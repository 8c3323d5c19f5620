package org.cooper4j.optim;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.pytorch.DropoutImpl;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.NoGradGuard;
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
import org.cooper4j.EveryDevice;
import org.cooper4j.ResidentMemory;
import org.cooper4j.RollValues;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.ModuleMultiplier;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Other problems, optimizers and dtypes by micro-batches, against one roll over the whole batch.
 */
@EveryDevice
class AccumulatedKindsTest {
  private static final double[][] SAMPLES = {
    {1, 0.5}, {-2, 1.5}, {0.25, -1}, {1.5, 2}, {-0.5, 0.75}, {1.5, -2}, {2, 0.1}
  };

  /** Samples from one number to another. */
  record Range(int from, int to) {
    int size() {
      return to - from;
    }

    Tensor samples(ScalarType dtype) {
      double[] flat = new double[2 * size()];
      for (int i = 0; i < flat.length; i++) {
        flat[i] = SAMPLES[from + i / 2][i % 2];
      }
      return Tensor.create(flat, size(), 2).to(device(), dtype);
    }
  }

  private static final Range WHOLE = new Range(0, 7);
  private static final List<Range> PARTS =
      List.of(new Range(0, 3), new Range(3, 4), new Range(4, 7));

  /** A training that begins, and what it moves. */
  private record Training(CooperOptimizer<Range> optimizer, List<Tensor> variables) {}

  private static void assertPartsMakeTheWhole(Supplier<Training> begin, double tolerance) {
    Training whole = begin.get();
    Training parts = begin.get();
    double[] start = values(whole.variables().get(0));
    for (int i = 0; i < 4; i++) {
      torch.manual_seed(i);
      RollValues expected = whole.optimizer().roll(WHOLE).values();
      torch.manual_seed(i);
      RollValues found = parts.optimizer().rollAccumulated(PARTS).values();

      assertThat(found.loss().getAsDouble())
          .isCloseTo(expected.loss().getAsDouble(), within(tolerance));
      assertClose(found.violations(), expected.violations(), tolerance);
      assertClose(found.multipliers(), expected.multipliers(), tolerance);
      for (int k = 0; k < whole.variables().size(); k++) {
        assertThat(values(parts.variables().get(k)))
            .containsExactly(values(whole.variables().get(k)), within(tolerance));
      }
    }
    assertThat(values(whole.variables().get(0))).isNotEqualTo(start);
  }

  private static void assertClose(
      Map<String, double[]> found, Map<String, double[]> expected, double tolerance) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, values) ->
            assertThat(found.get(name)).as(name).containsExactly(values, within(tolerance)));
  }

  private static Tensor tensor(ScalarType dtype, double... values) {
    return Tensor.create(values, values.length).to(device(), dtype);
  }

  private static Tensor doubles(double... values) {
    return tensor(ScalarType.Double, values);
  }

  private final Tensor start = doubles(0.3, -0.2);

  private Tensor variable() {
    return start.clone().requires_grad_(true);
  }

  private static ConstraintState primalAlone(Tensor violation) {
    return ConstraintState.builder(violation).contributesToDualUpdate(false).build();
  }

  private static Constraint quadratic(ConstraintType type) {
    return new Constraint(
        type, QuadraticPenalty::new, null, new DensePenaltyCoefficient(doubles(3, 2)));
  }

  @Test
  void quadraticPenaltiesOfAnUnconstrainedOptimizer() {
    assertPartsMakeTheWhole(
        () -> {
          Tensor x = variable();
          Constraint most = quadratic(INEQUALITY);
          Constraint exact = quadratic(EQUALITY);
          var problem =
              ConstrainedMinimizationProblem.<Range>of(
                  range -> {
                    Tensor scaled = range.samples(ScalarType.Double).mul(x);
                    return CMPState.of(scaled.sum(1).square().mean())
                        .samples(range.size())
                        .observe(most, primalAlone(scaled.mean(0).sub(new Scalar(-0.1))))
                        .observe(exact, primalAlone(scaled.tanh().mean(0)));
                  },
                  entry("most", most),
                  entry("exact", exact));
          SGD sgd = new SGD(new TensorVector(x), new SGDOptions(0.05));
          return new Training(new UnconstrainedOptimizer<>(problem, sgd), List.of(x));
        },
        1e-12);
  }

  @ParameterizedTest
  @EnumSource(Schemes.class)
  void aQuadraticPenaltyBesideAMultiplier(Schemes scheme) {
    assertPartsMakeTheWhole(
        () -> {
          Tensor x = variable();
          Constraint penalised = quadratic(INEQUALITY);
          Constraint weighed = new Constraint(EQUALITY, new DenseMultiplier(doubles(0.5, 1)));
          var problem =
              ConstrainedMinimizationProblem.<Range>of(
                  range -> {
                    Tensor scaled = range.samples(ScalarType.Double).mul(x);
                    return CMPState.of(scaled.square().mean())
                        .samples(range.size())
                        .observe(penalised, primalAlone(scaled.exp().mean(0)))
                        .equal(weighed, scaled.mean(0), 0.1);
                  },
                  entry("penalised", penalised),
                  entry("weighed", weighed));
          return new Training(
              scheme.sgd(problem, new TensorVector(x), 0.02),
              List.of(x, weighed.multiplier().orElseThrow().parameters().get(0)));
        },
        1e-12);
  }

  /** The features of a sample are the sample. */
  @ParameterizedTest
  @EnumSource(Schemes.class)
  void multipliersThatAModuleComputes(Schemes scheme) {
    assertPartsMakeTheWhole(
        () -> {
          Tensor x = variable();
          LinearImpl linear = new LinearImpl(2, 1);
          linear.to(device(), ScalarType.Double, false);
          try (NoGradGuard noGrad = new NoGradGuard()) {
            linear.weight().copy_(doubles(0.5, -1).unsqueeze(0));
            linear.bias().fill_(new Scalar(0.25));
          }
          Constraint each =
              new Constraint(
                  INEQUALITY,
                  new ModuleMultiplier(
                      linear, features -> torch.softplus(linear.forward(features)).flatten()));
          var problem =
              ConstrainedMinimizationProblem.<Range>of(
                  range -> {
                    Tensor samples = range.samples(ScalarType.Double);
                    Tensor scores = samples.matmul(x);
                    return CMPState.of(scores.square().mean())
                        .samples(range.size())
                        .observe(
                            each,
                            ConstraintState.builder(scores.sub(new Scalar(0.2)))
                                .constraintFeatures(samples)
                                .build());
                  },
                  entry("each", each));
          return new Training(
              scheme.sgd(problem, new TensorVector(x), 0.05),
              List.of(x, linear.weight(), linear.bias()));
        },
        1e-12);
  }

  @Test
  void violationsThatAreEvaluatedAlone() {
    int[] calls = {0};
    assertPartsMakeTheWhole(
        () -> {
          Tensor x = variable();
          Constraint dense =
              new Constraint(
                  INEQUALITY,
                  AugmentedLagrangian::new,
                  new DenseMultiplier(doubles(0.5, 1)),
                  new DensePenaltyCoefficient(doubles(3)));
          var problem =
              new ConstrainedMinimizationProblem<Range>() {
                private Tensor mean(Range range) {
                  return range.samples(ScalarType.Double).mul(x).mean(0);
                }

                @Override
                public CMPState computeCMPState(Range range) {
                  Tensor scores = range.samples(ScalarType.Double).matmul(x);
                  return CMPState.of(scores.square().mean())
                      .samples(range.size())
                      .lessOrEqual(dense, mean(range), 0.1);
                }

                @Override
                public CMPState computeViolations(Range range) {
                  calls[0]++;
                  try (NoGradGuard noGrad = new NoGradGuard()) {
                    return CMPState.ofViolations()
                        .samples(range.size())
                        .lessOrEqual(dense, mean(range), 0.1);
                  }
                }
              };
          problem.register("dense", dense);
          return new Training(
              Schemes.ALTERNATING_PRIMAL_DUAL.sgd(problem, new TensorVector(x), 0.05),
              List.of(x, dense.multiplier().orElseThrow().parameters().get(0)));
        },
        1e-12);
    assertThat(calls[0]).isGreaterThanOrEqualTo(4 * (1 + PARTS.size()));
  }

  @ParameterizedTest
  @EnumSource(Schemes.class)
  void float32(Schemes scheme) {
    assertPartsMakeTheWhole(
        () -> {
          Tensor x = vector(0.3, -0.2).requires_grad_(true);
          Constraint plain = new Constraint(EQUALITY, new DenseMultiplier(vector(0.5, 1)));
          Constraint augmented =
              new Constraint(
                  INEQUALITY,
                  AugmentedLagrangian::new,
                  new DenseMultiplier(vector(0.5, 1)),
                  new DensePenaltyCoefficient(vector(3, 2)));
          var problem =
              ConstrainedMinimizationProblem.<Range>of(
                  range -> {
                    Tensor scaled = range.samples(ScalarType.Float).mul(x);
                    return CMPState.of(scaled.sum(1).square().mean())
                        .samples(range.size())
                        .equal(plain, scaled.tanh().mean(0), 0.1)
                        .lessOrEqual(augmented, scaled.mean(0), -0.1);
                  },
                  entry("plain", plain),
                  entry("augmented", augmented));
          return new Training(scheme.sgd(problem, new TensorVector(x), 0.01), List.of(x));
        },
        1e-6);
  }

  /** A network whose whole batch draws its masks part by part, as micro-batches do. */
  private static Training dropout() {
    torch.manual_seed(0);
    LinearImpl linear = new LinearImpl(2, 1);
    linear.to(device(), ScalarType.Double, false);
    DropoutImpl dropout = new DropoutImpl(0.5);
    Constraint mean =
        new Constraint(INEQUALITY, Lagrangian::new, new DenseMultiplier(doubles(0.5)), null);
    var problem =
        ConstrainedMinimizationProblem.<Range>of(
            range -> {
              Tensor loss = null;
              Tensor output = null;
              for (Range part : range.equals(WHOLE) ? PARTS : List.of(range)) {
                Tensor samples = part.samples(ScalarType.Double);
                Tensor out = linear.forward(dropout.forward(samples));
                loss = loss == null ? out.square().sum() : loss.add(out.square().sum());
                output = output == null ? out.sum() : output.add(out.sum());
              }
              Scalar size = new Scalar((double) range.size());
              return CMPState.of(loss.div(size))
                  .samples(range.size())
                  .lessOrEqual(mean, output.div(size), -0.2);
            },
            entry("mean", mean));
    return new Training(
        Schemes.SIMULTANEOUS.sgd(problem, new TensorVector(linear.weight(), linear.bias()), 0.05),
        List.of(
            linear.weight(), linear.bias(), mean.multiplier().orElseThrow().parameters().get(0)));
  }

  @Test
  void aDropoutLayerHasTheMasksOfItsFirstEvaluation() {
    assertPartsMakeTheWhole(AccumulatedKindsTest::dropout, 1e-12);
  }

  @Test
  void memoryStaysFlatOverManyAccumulatedRolls() {
    Tensor x = vector(new double[10_000]).requires_grad_(true);
    Constraint mean = new Constraint(INEQUALITY, new DenseMultiplier(vector(0.5)));
    var problem =
        ConstrainedMinimizationProblem.<Range>of(
            part -> {
              Tensor noisy = x.add(torch.rand_like(x));
              return CMPState.of(noisy.square().mean()).lessOrEqual(mean, noisy.mean(), 0.1);
            },
            entry("mean", mean));
    var optimizer = Schemes.SIMULTANEOUS.sgd(problem, new TensorVector(x), 0.01);
    for (int i = 0; i < 200; i++) {
      optimizer.rollAccumulated(PARTS);
    }
    // One tensor left over from each would be 240 MB.
    assertThat(ResidentMemory.growthOver(6_000, () -> optimizer.rollAccumulated(PARTS)))
        .isLessThan(120L << 20);
  }
}
