package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.here;
import static org.cooper4j.Devices.values;

import java.util.Map;
import java.util.Random;
import java.util.stream.DoubleStream;
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
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIOptions;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What must hold for any problem, on random ones; the number is the seed. */
@EveryDevice
class PropertiesTest {
  private final PointerScope scope = new PointerScope();
  private Random random;

  /** min ½|x − c|² s.t. sin(x) + b <= 0 and x[i] = d for a random subset of i. */
  private final class Problem extends ConstrainedMinimizationProblem<Void> {
    final int n = 2 + random.nextInt(6);
    final Tensor x = normal(n).requires_grad_(true);
    final Tensor c = normal(n);
    final Tensor b = normal(n);
    final Tensor strict = normal(n);
    final Tensor indices = Devices.indices(random.longs(n, 0, n).toArray());
    final DenseMultiplier dense = new DenseMultiplier(normal(n).abs());
    final IndexedMultiplier indexed = new IndexedMultiplier(normal(n));
    final Constraint bounded =
        register(
            "bounded",
            new Constraint(
                ConstraintType.INEQUALITY,
                AugmentedLagrangian::new,
                dense,
                new DensePenaltyCoefficient(normal(n).abs())));
    final Constraint sampled =
        register("sampled", new Constraint(ConstraintType.EQUALITY, indexed));

    @Override
    public CMPState computeCMPState(Void nothing) {
      return CMPState.of(x.sub(c).square().sum().mul(new Scalar(0.5)))
          .observe(bounded, ConstraintState.builder(x.sin().add(b)).strictViolation(strict).build())
          .observe(
              sampled,
              ConstraintState.builder(x.index_select(0, indices).add(new Scalar(-0.3)))
                  .constraintFeatures(indices)
                  .build());
    }
  }

  private Tensor normal(int n) {
    double[] numbers = DoubleStream.generate(random::nextGaussian).limit(n).toArray();
    return here(Tensor.create(numbers, n));
  }

  @BeforeEach
  void seed() {
    random = new Random(0);
  }

  @AfterEach
  void release() {
    scope.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void multipliersOfInequalitiesAreNeverNegative(long seed) {
    random = new Random(seed);
    Problem problem = new Problem();
    Optimizer dual =
        switch (random.nextInt(3)) {
          case 0 -> new SGD(problem.dualParameters(), momentum(random.nextDouble()));
          case 1 -> {
            problem.indexed.weight().requires_grad_(false);
            yield new Adam(new TensorVector(problem.dense.weight()), new AdamOptions(0.3));
          }
          default -> new NuPI(problem.dualParameters(), new NuPIOptions(0.3).kp(0.5));
        };
    var optimizer =
        new SimultaneousOptimizer<>(
            problem, new SGD(new TensorVector(problem.x), new SGDOptions(0.1)), dual);
    for (int i = 0; i < 30; i++) {
      problem.strict.copy_(normal(problem.n));
      optimizer.roll();
      for (double value : values(problem.dense.weight())) {
        assertThat(value).isNotNegative();
      }
    }
  }

  private static SGDOptions momentum(double momentum) {
    SGDOptions options = new SGDOptions(0.3);
    options.momentum().put(momentum);
    return options;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void theDualGradientIsTheNegatedStrictViolation(long seed) {
    random = new Random(seed);
    Problem problem = new Problem();
    CMPState state = problem.computeCMPState(null);
    state.backward();
    assertThat(values(problem.dense.weight().grad()))
        .containsExactly(values(problem.strict.neg()), within(1e-12));
    double[] expected = new double[problem.n];
    double[] violations = values(state.observedConstraints().get(problem.sampled).violation());
    for (int i = 0; i < problem.n; i++) {
      expected[(int) problem.indices.get(i).item_long()] -= violations[i];
    }
    assertThat(values(problem.indexed.weight().grad().to_dense()))
        .containsExactly(expected, within(1e-12));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void oneBackwardFromManyRootsIsThatOfTheAssembledLagrangian(long seed) {
    random = new Random(seed);
    Problem problem = new Problem();
    problem.computeCMPState(null).backward();
    double[] fused = values(problem.x.grad());
    problem.x.grad().zero_();
    problem.computeCMPState(null).computePrimalLagrangian().lagrangian().orElseThrow().backward();
    assertThat(values(problem.x.grad())).containsExactly(fused, within(1e-12));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void movingThereAndBackAndAStateDictAreIdentities(long seed) {
    random = new Random(seed);
    Problem problem = new Problem();
    double[] dense = values(problem.dense.weight());
    double[] indexed = values(problem.indexed.weight());
    Tensor weight = problem.dense.weight();

    problem.to(device());
    problem.to(ScalarType.Double);
    assertThat(problem.dense.weight()).isSameAs(weight);
    Map<String, Object> state = problem.stateDict();
    Problem other = problem;
    other.loadStateDict(state);

    assertThat(values(other.dense.weight())).containsExactly(dense);
    assertThat(values(other.indexed.weight())).containsExactly(indexed);
    problem.to(ScalarType.Float);
    problem.to(ScalarType.Double);
    assertThat(values(problem.dense.weight())).containsExactly(dense, within(1e-6));
  }
}
