package org.cooper4j.optim.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.Scoped;
import org.cooper4j.checkpoint.OptimizerState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What nuPI has beyond Cooper's; its errors are written as violations, the negated gradients. */
@ExtendWith(Scoped.class)
class NuPITest {
  private static final double[] VIOLATIONS = {1, -0.5, 2, 2.5, 0.3, -1, 0, 0.7};
  private static final double KP = 0.7;
  private static final double KI = 0.3;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void withTheErrorAsStartAConstantViolationCountsUp(boolean sparse) {
    var options = new NuPIOptions(1).kp(10).ki(1).initType(NuPIInitType.ERROR);
    assertThat(run(options, new double[] {1, 1, 1, 1}, sparse, 1)).containsExactly(1, 2, 3, 4);
  }

  @Test
  void withSgdAsStartItIsCoopers() {
    var options = new NuPIOptions(1).kp(10).ki(1);
    assertThat(run(options, new double[] {1, 1, 1, 1}, false, 1)).containsExactly(1, 12, 13, 14);
  }

  /** Small tables go through plain loops, large ones through LibTorch; both are the formula. */
  @ParameterizedTest
  @CsvSource({
    "ZEROS, false, 0, 0.6", "ZEROS, true, 0, 0.9", "ZEROS, true, 0.4, 0.9", "ZEROS, false, 0.4, 0",
    "ERROR, false, 0, 0.6", "ERROR, false, 0.4, 0.6", "ERROR, true, 0.4, 0.9", "SGD, true, 0.4, 0.9"
  })
  void everyOptionFollowsItsFormula(NuPIInitType init, boolean corrects, double kd, double nu) {
    double[] expected = formula(init, corrects, kd, nu);
    for (int rows : new int[] {1, 600}) {
      for (boolean sparse : new boolean[] {false, true}) {
        var options = options(init, corrects, kd, nu).doubleGains();
        assertThat(run(options, VIOLATIONS, sparse, rows))
            .as("%d rows, sparse %s", rows, sparse)
            .containsExactly(expected, within(1e-12));
      }
    }
  }

  private static NuPIOptions options(NuPIInitType init, boolean corrects, double kd, double nu) {
    return new NuPIOptions(0.5)
        .kp(KP)
        .ki(KI)
        .kd(kd)
        .emaNu(nu)
        .useBiasCorrection(corrects)
        .initType(init);
  }

  private static double[] formula(NuPIInitType init, boolean corrects, double kd, double nu) {
    List<Double> values = new ArrayList<>();
    double lambda = 0;
    double average = 0;
    double xi = 0;
    double weight = 0;
    double growth = 0;
    for (int t = 0; t < VIOLATIONS.length; t++) {
      double e = VIOLATIONS[t];
      average = nu * average + (1 - nu) * e;
      if (t == 0 && init == NuPIInitType.ERROR && !corrects) {
        average = e;
      }
      weight = nu * weight + 1 - nu;
      double now = corrects ? average / weight : average;
      double change = t == 0 && init != NuPIInitType.ZEROS ? 0 : now - xi;
      xi = now;
      double grows = Math.max(0, change);
      lambda += 0.5 * (KI * e + KP * change + kd * (grows - growth));
      growth = grows;
      values.add(lambda);
    }
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @Test
  void rowsThatComeTwiceAreSummedFirst() {
    Tensor once = zeros(4, 1);
    Tensor twice = zeros(4, 1);
    var one = new NuPI(new TensorVector(once), options(NuPIInitType.ERROR, true, 0.4, 0.9));
    var two = new NuPI(new TensorVector(twice), options(NuPIInitType.ERROR, true, 0.4, 0.9));
    for (double e : VIOLATIONS) {
      once.mutable_grad().put(sparse(new long[] {1, 3}, new double[] {-e, -2 * e}, 4));
      twice
          .mutable_grad()
          .put(sparse(new long[] {3, 1, 3}, new double[] {-1.5 * e, -e, -0.5 * e}, 4));
      one.step();
      two.step();
    }
    assertThat(doubles(twice)).containsExactly(doubles(once), within(1e-12));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStateGoesOnWhereItWasSaved(boolean sparse) {
    var options = options(NuPIInitType.ERROR, true, 0.4, 0.9);
    Tensor straight = zeros(3, 1);
    Tensor broken = zeros(3, 1);
    var whole = new NuPI(new TensorVector(straight), options);
    var first = new NuPI(new TensorVector(broken), options);
    var second = new NuPI(new TensorVector(broken), new NuPIOptions(9));
    for (int t = 0; t < VIOLATIONS.length; t++) {
      step(whole, straight, VIOLATIONS[t], sparse);
      if (t == 3) {
        OptimizerState.load(second, OptimizerState.of(first, true), true, false);
      }
      step(t < 3 ? first : second, broken, VIOLATIONS[t], sparse);
    }
    assertThat(doubles(broken)).containsExactly(doubles(straight));
  }

  @Test
  void aStateWithoutTheNewOptionsHasPythonsKeysOnly() {
    Tensor x = zeros(2, 1);
    var optimizer = new NuPI(new TensorVector(x), new NuPIOptions(1).kp(1));
    step(optimizer, x, 1, false);
    Map<?, ?> group =
        (Map<?, ?>) ((List<?>) OptimizerState.of(optimizer, true).get("param_groups")).get(0);
    assertThat(group.keySet().stream().map(Object::toString))
        .containsExactly(
            "lr", "weight_decay", "Kp", "Ki", "ema_nu", "maximize", "init_type", "params");
  }

  @Test
  void wrongOptionsAreNamed() {
    TensorVector x = new TensorVector(zeros(1, 1));
    for (double gain : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> new NuPI(x, new NuPIOptions(1).kd(gain)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Kd must be finite and at least 0");
    }
    for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY, -1e39}) {
      Tensor gain = zeros(2).detach().fill_(new Scalar(value)).to(ScalarType.Float);
      assertNamed(() -> new NuPIOptions(1).kp(value), "NuPI: Kp must be finite");
      assertNamed(() -> new NuPIOptions(1).ki(value), "NuPI: Ki must be finite");
      assertNamed(() -> new NuPIOptions(1).kp(gain), "NuPI: Kp has a NaN or infinite entry");
      assertNamed(() -> new NuPIOptions(1).ki(gain), "NuPI: Ki has a NaN or infinite entry");
      assertNamed(() -> new NuPI(x, new NuPIOptions(1).emaNu(value)), "ema_nu must be in (-1, 1)");
    }
    for (double value : new double[] {Double.NaN, -1, Double.POSITIVE_INFINITY}) {
      assertNamed(() -> new NuPI(x, new NuPIOptions(value)), "lr must be finite and at least 0");
      assertNamed(
          () -> new NuPI(x, new NuPIOptions(1).weightDecay(value)), "weight_decay must be finite");
    }
    assertNamed(() -> new NuPIOptions(1).kp((Tensor) null), "NuPI: Kp is null");
    assertThatThrownBy(() -> new NuPI(x, new NuPIOptions(1).emaNu(-0.5).useBiasCorrection(true)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("ema_nu must be at least 0 with bias correction");
  }

  private static void assertNamed(ThrowingCallable making, String message) {
    assertThatThrownBy(making)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  /** The first element after each step. */
  private static double[] run(NuPIOptions options, double[] violations, boolean sparse, int rows) {
    Tensor x = zeros(rows, 1);
    var optimizer = new NuPI(new TensorVector(x), options);
    double[] values = new double[violations.length];
    for (int t = 0; t < values.length; t++) {
      step(optimizer, x, violations[t], sparse);
      values[t] = doubles(x)[0];
      assertThat(doubles(x)).containsOnly(values[t]);
    }
    return values;
  }

  private static void step(NuPI optimizer, Tensor x, double violation, boolean sparse) {
    Tensor dense = torch.zeros_like(x).fill_(new Scalar(-violation));
    long[] rows = new long[(int) x.size(0)];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = i;
    }
    x.mutable_grad()
        .put(
            sparse
                ? torch.sparse_coo_tensor(
                    Tensor.create(rows, rows.length).unsqueeze(0), dense, x.shape())
                : dense);
    optimizer.step();
  }

  private static Tensor sparse(long[] rows, double[] values, long size) {
    return torch.sparse_coo_tensor(
        Tensor.create(rows, rows.length).unsqueeze(0),
        Tensor.create(values, values.length).unsqueeze(1),
        new long[] {size, 1});
  }

  private static Tensor zeros(long... shape) {
    return torch.zeros(shape).to(ScalarType.Double).requires_grad_(true);
  }

  private static double[] doubles(Tensor t) {
    double[] values = new double[(int) t.numel()];
    t.detach().contiguous().data_ptr_double().get(values);
    return values;
  }
}
