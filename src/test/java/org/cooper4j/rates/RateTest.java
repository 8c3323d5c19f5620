package org.cooper4j.rates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.junit.jupiter.api.Test;

/** What rates are made of, and what is made of them. */
class RateTest {
  private static final double[] SCORES = {1.5, -0.4, 0.3, -2, 0.7, -0.1, 0.2, -0.6};
  private static final double[] LABELS = {1, 1, 0, 0, 1, 0, 1, 0};
  private static final double[] CODES = {0, 0, 0, 0, 1, 1, 1, 1};

  private static Tensor tensor(double... values) {
    return Tensor.create(values);
  }

  static double[] doubles(Tensor tensor) {
    Tensor plain = tensor.detach().to(ScalarType.Double).contiguous();
    double[] values = new double[(int) plain.numel()];
    plain.data_ptr_double().get(values);
    return values;
  }

  private static RateContext context() {
    return RateContext.of(tensor(SCORES), tensor(LABELS));
  }

  @Test
  void hingesBoundFromTheSideThatIsAskedFor() {
    RateContext hinge = context().groupBy(tensor(CODES), 2).with(Surrogate.hinge());
    List<Function<RateContext, Rate>> linear =
        List.of(Rates::truePositiveRate, Rates::errorRate, Rates::negativePredictionRate);
    for (Function<RateContext, Rate> rate : linear) {
      Rate found = rate.apply(hinge);
      assertThat(found.surrogate().ge(found.value()).all().item_bool()).isTrue();
      assertThat(found.times(-1).surrogate().ge(found.value().neg()).all().item_bool()).isTrue();
    }
  }

  @Test
  void surrogatesAreThoseOfTensorFlowConstrainedOptimization() {
    Map<Surrogate, double[]> expected =
        Map.of(
            Surrogate.hinge(), new double[] {2.5, 0.6},
            Surrogate.crossEntropy(),
                new double[] {Math.log1p(Math.exp(1.5)), Math.log1p(Math.exp(-0.4))},
            Surrogate.sigmoid(), new double[] {1 / (1 + Math.exp(-1.5)), 1 / (1 + Math.exp(0.4))},
            Surrogate.softZeroOne(0.5),
                new double[] {1 / (1 + Math.exp(-3)), 1 / (1 + Math.exp(0.8))});
    expected.forEach(
        (surrogate, values) ->
            assertThat(
                    Rates.positivePredictionRate(RateContext.of(tensor(1.5, -0.4)).with(surrogate))
                        .surrogate()
                        .item_double())
                .isCloseTo((values[0] + values[1]) / 2, within(1e-12)));
    Tensor classes = Tensor.create(new double[] {1, 0.2, -0.3}, 1, 3);
    double total = Math.exp(1) + Math.exp(0.2) + Math.exp(-0.3);
    RateContext one = RateContext.of(classes, tensor(1)).with(Surrogate.crossEntropy());
    assertThat(Rates.errorRate(one).surrogate().item_double())
        .isCloseTo(Math.log(total) - 0.2, within(1e-12));
    assertThat(
            Rates.positivePredictionRate(one.positive(0, 2).with(Surrogate.hinge()))
                .surrogate()
                .item_double())
        .isCloseTo(1 + 1 - 0.2, within(1e-12));
  }

  @Test
  void allGroupsOfNobodyGiveNaNAndNoViolation() {
    Rate recall =
        Rates.truePositiveRate(RateContext.of(tensor(1, 2), tensor(0, 0)).groupBy(tensor(0, 1), 2));
    for (Rate rate : List.of(recall.max(), recall.min(), recall.difference(), recall.ratio())) {
      assertThat(rate.value().item_double()).isNaN();
      assertThat(rate.atMost(-1).violation().item_double()).isZero();
    }
  }

  @Test
  void aContextOutlivesTheScopeThatARateWasCountedIn() {
    RateContext context = context().groupBy(tensor(CODES), 2);
    try (PointerScope temporaries = new PointerScope()) {
      Rates.accuracy(context).surrogate();
    }
    assertThat(doubles(Rates.accuracy(context).value())).containsExactly(0.5, 1);
  }

  @Test
  void noExampleAtAllIsNobody() {
    RateContext none = RateContext.of(tensor(), tensor()).groupBy(tensor(), 2);
    assertThat(doubles(Rates.accuracy(none).value())).containsOnly(Double.NaN);
    assertThat(doubles(Rates.accuracy(none).atLeast(0.5).violation())).containsExactly(0, 0);
    assertThatThrownBy(() -> Rates.rocAuc(none)).hasMessageContaining("at least one example");
  }

  @Test
  void ratesAddSubtractAndScale() {
    Rate recall = Rates.truePositiveRate(context());
    Rate alarms = Rates.falsePositiveRate(context());
    double youden = recall.minus(alarms).value().item_double();
    assertThat(youden).isEqualTo(0.75 - 0.25);
    assertThat(recall.plus(alarms).times(2).minus(1).value().item_double()).isEqualTo(1);
    assertThat(recall.times(-1).value().item_double()).isEqualTo(-0.75);
    assertThat(doubles(recall.and(alarms).value())).containsExactly(0.75, 0.25);
    assertThat(alarms.over(recall).value().item_double()).isCloseTo(1 / 3.0, within(1e-15));
  }

  @Test
  void halfPrecisionScoresCountBeyondItsIntegers() {
    Tensor many = torch.ones(5000).to(ScalarType.BFloat16);
    Rate rate = Rates.positivePredictionRate(RateContext.of(many));
    assertThat(rate.value().item_double()).isEqualTo(1);
    assertThat(rate.value().scalar_type().intern()).isEqualTo(ScalarType.Float);
    assertThat(rate.sums().orElseThrow().value().select(0, 0).item_double()).isEqualTo(5000);
  }

  @Test
  void aRateIsAnObjective() {
    Tensor scores = tensor(SCORES).requires_grad_(true);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of(),
            nothing ->
                CMPState.of(
                    Rates.errorRate(RateContext.of(scores, tensor(LABELS)).with(Surrogate.hinge()))
                        .surrogate()));
    var optimizer =
        new UnconstrainedOptimizer<>(problem, new SGD(new TensorVector(scores), new SGDOptions(1)));
    for (int i = 0; i < 40; i++) {
      optimizer.roll();
    }
    assertThat(Rates.errorRate(RateContext.of(scores, tensor(LABELS))).value().item_double())
        .isZero();
  }
}
