package org.cooper4j.rates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.internal.Readout;
import org.junit.jupiter.api.Test;

/** Groups by codes cost as much as there are examples, and have the rates of groups by masks. */
class ManyGroupsTest {
  private static final Map<String, Function<RateContext, Rate>> CURVES = new LinkedHashMap<>();

  static {
    CURVES.put("ROC-AUC", Rates::rocAuc);
    CURVES.put("PR-AUC", Rates::prAuc);
    CURVES.put("recall at a precision", context -> Rates.recallAtPrecision(context, 0.5));
    CURVES.put("precision at a recall", context -> Rates.precisionAtRecall(context, 0.6));
    CURVES.put("TPR at an FPR", c -> Rates.truePositiveRateAtFalsePositiveRate(c, 0.3));
  }

  @Test
  void curvesOfCodesEqualThoseOfMasksAndThoseOfEachGroupAlone() {
    Random random = new Random(3);
    int n = 60;
    int groups = 6; // the last two: of one label, of nobody
    double[] scores = new double[n];
    double[] labels = new double[n];
    double[] weights = new double[n];
    double[] codes = new double[n];
    double[] masks = new double[groups * n];
    for (int i = 0; i < n; i++) {
      int group = random.nextInt(groups - 1);
      scores[i] = random.nextInt(25) / 8.0 - 1.5; // with ties
      labels[i] = group == groups - 2 ? 1 : random.nextInt(2);
      weights[i] = i % 7 == 0 ? 0 : random.nextInt(1, 4);
      codes[i] = group;
      masks[group * n + i] = 1;
    }
    CURVES.forEach(
        (name, rate) -> {
          Tensor byCodes = Tensor.create(scores).requires_grad_(true);
          Tensor byMasks = Tensor.create(scores).requires_grad_(true);
          Rate ofCodes =
              rate.apply(context(byCodes, labels, weights).groupBy(Tensor.create(codes), groups));
          Rate ofMasks =
              rate.apply(context(byMasks, labels, weights).groups(Tensor.create(masks, groups, n)));
          double[] values = Readout.values(ofCodes.value());
          assertClose(name, values, Readout.values(ofMasks.value()));
          for (int k = 0; k < groups; k++) {
            double[] own = weights.clone();
            for (int i = 0; i < n; i++) {
              own[i] = codes[i] == k ? own[i] : 0;
            }
            Tensor alone = rate.apply(context(Tensor.create(scores), labels, own)).value();
            assertClose(name, new double[] {values[k]}, new double[] {alone.item_double()});
          }
          ofCodes.atLeast(0.9).violation().sum().backward();
          ofMasks.atLeast(0.9).violation().sum().backward();
          double[] gradient = Readout.values(byCodes.grad());
          assertThat(Arrays.stream(gradient).map(Math::abs).sum()).isPositive();
          assertClose(name, gradient, Readout.values(byMasks.grad()));
        });
  }

  private static RateContext context(Tensor scores, double[] labels, double[] weights) {
    return RateContext.of(scores, Tensor.create(labels)).weighted(Tensor.create(weights));
  }

  private static void assertClose(String name, double[] actual, double[] expected) {
    assertThat(actual).as(name).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      if (Double.isNaN(expected[i])) {
        assertThat(actual[i]).as(name).isNaN();
      } else {
        assertThat(actual[i]).as(name).isCloseTo(expected[i], within(1e-12));
      }
    }
  }

  @Test
  void masksOfNobodyHaveNoCurves() {
    RateContext nobody = RateContext.of(torch.randn(4), torch.ones(4)).groups(torch.zeros(2, 4));
    CURVES.forEach(
        (name, rate) ->
            assertThat(Readout.values(rate.apply(nobody).value()))
                .as(name)
                .containsOnly(Double.NaN));
  }

  /** Masks of all groups would be 8 GB, many times. */
  @Test
  void tenThousandGroupsOfTenAreReported() {
    int groups = 10_000;
    int n = 10 * groups;
    Tensor places = torch.arange(new Scalar(n)).to(torch.ScalarType.Double);
    Tensor codes = places.remainder(new Scalar(groups));
    Tensor labels = places.div(new Scalar(groups)).floor().remainder(new Scalar(2));
    // In each group ten scores 0 to 9, of which those of odd labels are the odd ones.
    Tensor scores = places.div(new Scalar(groups)).floor().sub(new Scalar(4.5));
    RateContext context = RateContext.of(scores, labels).groupBy(codes, groups);
    RateReport report = RateReport.of(context, CURVES, 2, 0);
    assertThat(report.groups()).hasSize(groups + 1);
    report.rows().get("ROC-AUC").stream()
        .forEach(cell -> assertThat(cell.value()).isCloseTo(15 / 25.0, within(1e-12)));
    report.rows().get("TPR at an FPR").stream()
        .limit(groups)
        .forEach(cell -> assertThat(cell.value()).isCloseTo(2 / 5.0, within(1e-12)));
    assertThat(RateReport.of(context, Map.of("accuracy", Rates::accuracy), 0, 0).rows())
        .containsKey("accuracy");
  }
}
