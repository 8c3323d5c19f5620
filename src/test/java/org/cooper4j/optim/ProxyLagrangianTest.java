package org.cooper4j.optim;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.Gson;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Optimizer;
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
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProxyLagrangianTest {
  /** A line of what src/test/python/proxy_lagrangian.py wrote. */
  private static final class Case {
    double[] a;
    double[][] b;
    double[] c;
    double[] x;
    double initial_radius;
    double minimum_radius;
    double primal_rate;
    double dual_rate;
    double[][] trajectory;
  }

  private static final class Run extends ConstrainedMinimizationProblem<Void> {
    private final Case data;
    private Tensor variables;

    Run(Case data) {
      this.data = data;
    }

    /** With the constraints under one name, or the first under one and the others under another. */
    ProxyLagrangianOptimizer<Void> optimizer(boolean split) {
      variables = Tensor.create(data.x).requires_grad_(true);
      int m = data.c.length;
      register("first", constraint(split ? 1 : m));
      if (split) {
        register("others", constraint(m - 1));
      }
      return new ProxyLagrangianOptimizer<>(
          this,
          List.of(new SGD(new TensorVector(variables), new SGDOptions(data.primal_rate))),
          matrix -> new SGD(matrix, new SGDOptions(data.dual_rate)),
          data.initial_radius,
          data.minimum_radius);
    }

    private static Constraint constraint(int size) {
      return new Constraint(
          ConstraintType.INEQUALITY,
          new DenseMultiplier(size, new Device("cpu"), ScalarType.Double));
    }

    @Override
    public CMPState computeCMPState(Void nothing) {
      double[] flat = Arrays.stream(data.b).flatMapToDouble(Arrays::stream).toArray();
      Tensor proxies =
          Tensor.create(flat, data.c.length, 3).mv(variables).sub(Tensor.create(data.c));
      CMPState state = CMPState.of(variables.sub(Tensor.create(data.a)).square().sum());
      long next = 0;
      for (Constraint constraint : constraints()) {
        long size = ((DenseMultiplier) constraint.multiplier().orElseThrow()).numConstraints();
        state.observe(constraint, rounded(proxies.narrow(0, next, size)));
        next += size;
      }
      return state;
    }
  }

  private static ConstraintState rounded(Tensor proxies) {
    Tensor quarters = proxies.detach().mul(new Scalar(4.0)).round().mul(new Scalar(0.25));
    return ConstraintState.builder(proxies).strictViolation(quarters).build();
  }

  private static List<Run> runs() {
    var json = ProxyLagrangianTest.class.getResourceAsStream("/proxy_lagrangian.json");
    Case[] cases = new Gson().fromJson(new InputStreamReader(json, UTF_8), Case[].class);
    return Arrays.stream(cases).map(Run::new).toList();
  }

  private static double[] doubles(Tensor tensor) {
    double[] values = new double[(int) tensor.numel()];
    Tensor plain = tensor.detach().to(ScalarType.Double);
    Arrays.setAll(values, i -> plain.select(0, i).item_double());
    return values;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theTrajectoryIsThatOfThePaper(boolean split) {
    List<Run> runs = runs();
    assertThat(runs).hasSize(4);
    for (Run run : runs) {
      try (var optimizer = run.optimizer(split && run.data.c.length > 1)) {
        for (double[] expected : run.data.trajectory) {
          optimizer.roll();
          assertThat(doubles(run.variables))
              .containsExactly(Arrays.copyOf(expected, 3), within(1e-9));
          double[] weights = Arrays.copyOfRange(expected, 3, expected.length);
          assertThat(optimizer.distribution()).containsExactly(weights, within(1e-9));
        }
        List<Double> multipliers = new ArrayList<>();
        run.multiplierValues().values().forEach(v -> Arrays.stream(v).forEach(multipliers::add));
        double[] weights = optimizer.distribution();
        for (int k = 0; k < multipliers.size(); k++) {
          assertThat(multipliers.get(k)).isCloseTo(weights[k + 1] / weights[0], within(1e-12));
        }
      }
    }
  }

  @Test
  void aCheckpointGoesOnBitForBit(@TempDir Path folder) {
    Path path = folder.resolve("run.pt");
    Run first = runs().get(3);
    List<double[]> whole = new ArrayList<>();
    try (var optimizer = first.optimizer(true)) {
      for (int i = 0; i < 40; i++) {
        if (i == 20) {
          Checkpoint.save(
              path,
              Map.of(
                  "x", first.variables.detach().clone(),
                  "problem", first.stateDict(),
                  "optimizer", optimizer.stateDict()));
        }
        optimizer.roll();
        whole.add(doubles(first.variables));
      }
    }
    Checkpoint saved = Checkpoint.load(path);
    Run second = runs().get(3);
    try (var optimizer = second.optimizer(true)) {
      second.variables.set_data(saved.tensor("x"));
      second.loadStateDict(saved.map("problem").asMap());
      optimizer.loadStateDict(saved.map("optimizer").asMap());
      for (int i = 20; i < 40; i++) {
        optimizer.roll();
        assertThat(doubles(second.variables)).isEqualTo(whole.get(i));
      }
    }
  }

  @Test
  void aStateThatIsNoneOfItsOwnChangesNothing() {
    Run run = runs().get(1);
    try (var optimizer = run.optimizer(false)) {
      optimizer.roll();
      double[] before = optimizer.distribution();
      Map<String, Object> state = new java.util.HashMap<>(optimizer.stateDict());
      state.put("log_stochastic_matrix", torch.zeros(2, 2));
      assertThatThrownBy(() -> optimizer.loadStateDict(state))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("log_stochastic_matrix: expected shape [4, 4]");
      state.remove("log_stochastic_matrix");
      assertThatThrownBy(() -> optimizer.loadStateDict(state))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("not of a ProxyLagrangianOptimizer");
      assertThat(optimizer.distribution()).isEqualTo(before);
    }
  }

  /** min (x − 2)² with x ≤ 1 in whole steps, the proxy too lax by a quarter. */
  @Test
  void theStrictConstraintIsMetInTheMeanWhereTheProxyIsNot() {
    Tensor x = torch.zeros(1).requires_grad_(true);
    Constraint limit = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1));
    double[] strict = {0};
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("limit", limit),
            nothing -> {
              Tensor over = x.detach().gt(new Scalar(1.0)).to(ScalarType.Float);
              strict[0] = over.item_double() - 0.25;
              return CMPState.of(x.sub(new Scalar(2.0)).square().sum())
                  .observe(
                      limit,
                      ConstraintState.builder(x.sub(new Scalar(1.25)))
                          .strictViolation(over.sub(new Scalar(0.25)))
                          .build());
            });
    double sum = 0;
    int steps = 4000;
    try (var optimizer =
        new ProxyLagrangianOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.05)),
            matrix -> new SGD(matrix, new SGDOptions(0.05)))) {
      for (int i = 0; i < steps; i++) {
        optimizer.roll();
        sum += i < steps / 2 ? 0 : strict[0]; // the weights start far from where they swing
      }
    }
    assertThat(sum / (steps / 2)).isCloseTo(0, within(0.02));
  }

  @Test
  void adamMayMoveTheMatrixAndWeightsKeepTheirLeast() {
    Run run = runs().get(2);
    run.variables = Tensor.create(run.data.x).requires_grad_(true);
    run.register("all", Run.constraint(3));
    try (var optimizer =
        new ProxyLagrangianOptimizer<>(
            run,
            new Adam(new TensorVector(run.variables), new AdamOptions(0.05)),
            matrix -> new Adam(matrix, new AdamOptions(0.5)))) {
      for (int i = 0; i < 200; i++) {
        optimizer.roll();
        assertThat(Arrays.stream(optimizer.distribution()).sum()).isCloseTo(1, within(1e-12));
        assertThat(Arrays.stream(optimizer.distribution()).min().orElseThrow())
            .isGreaterThan(0.9 * 1e-3 / 4);
      }
    }
  }

  @Test
  void aRollThatFailsMovesNothing() {
    Run run = runs().get(1);
    try (var optimizer = run.optimizer(false)) {
      optimizer.roll();
      double[] before = optimizer.distribution();
      double[] x = doubles(run.variables);
      optimizer.beforePrimalStep(
          gradients -> {
            throw new IllegalStateException("stop");
          });
      assertThatThrownBy(optimizer::roll).hasMessageContaining("stop");
      assertThat(optimizer.distribution()).isEqualTo(before);
      assertThat(doubles(run.variables)).isEqualTo(x);
    }
  }

  private static ThrowingCallable made(Constraint constraint, double initial, double minimum) {
    Tensor x = torch.zeros(1).requires_grad_(true);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", constraint), nothing -> CMPState.of(x.sum()));
    Function<TensorVector, Optimizer> dual = matrix -> new SGD(matrix, new SGDOptions(0.1));
    return () ->
        new ProxyLagrangianOptimizer<>(
            problem,
            List.of(new SGD(new TensorVector(x), new SGDOptions(0.1))),
            dual,
            initial,
            minimum);
  }

  @Test
  void whatTheGameHasNoPlaceForIsRefused() {
    for (Constraint constraint :
        List.of(
            new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(1)),
            new Constraint(ConstraintType.INEQUALITY, new IndexedMultiplier(3)),
            new Constraint(
                ConstraintType.INEQUALITY,
                QuadraticPenalty::new,
                null,
                new DensePenaltyCoefficient(1.0)))) {
      assertThatThrownBy(made(constraint, 1, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("constraint 'c'")
          .hasMessageContaining("the proxy-Lagrangian takes inequalities");
    }
    for (double[] radii : new double[][] {{0, 0}, {0.1, 0.2}, {1.1, 0}, {1, -1}, {Double.NaN, 0}}) {
      Constraint good = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1));
      assertThatThrownBy(made(good, radii[0], radii[1]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected 0 <= minimum <= initial <= 1");
    }
  }

  @Test
  void anOptimizerOfOtherVariablesIsRefused() {
    Tensor x = torch.zeros(1).requires_grad_(true);
    Constraint c = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", c), nothing -> CMPState.of(x.sum()).observe(c, x.sum()));
    assertThatThrownBy(
            () ->
                new ProxyLagrangianOptimizer<>(
                    problem,
                    new SGD(new TensorVector(x), new SGDOptions(0.1)),
                    matrix -> new SGD(problem.dualParameters(), new SGDOptions(0.1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not the matrix it was given");
    try (var optimizer =
        new ProxyLagrangianOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.1)),
            matrix -> new SGD(matrix, new SGDOptions(0.1)))) {
      problem.register("later", new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1)));
      assertThatThrownBy(optimizer::roll)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("registered after this optimizer was made");
    }
  }
}
