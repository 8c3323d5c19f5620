package org.cooper4j.rates;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.StreamSupport;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.ConstraintState;
import org.cooper4j.checkpoint.Checkpoint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ThresholdsTest {
  private static final double[] SCORES = {2, 1, 0.5, -1, 3, 0.2, -0.4, -2};
  private static final double[] LABELS = {1, 0, 1, 0, 1, 1, 0, 0};
  private static final double[] CODES = {0, 0, 0, 0, 1, 1, 1, 1};

  private static RateContext context() {
    return RateContext.of(Tensor.create(SCORES), Tensor.create(LABELS))
        .groupBy(Tensor.create(CODES), 2);
  }

  private static Rate error(RateContext context) {
    return Rates.errorRate(context.ungrouped());
  }

  private static Tensor tensor(JsonArray array) {
    return Tensor.create(
        StreamSupport.stream(array.spliterator(), false)
            .mapToDouble(JsonElement::getAsDouble)
            .toArray());
  }

  private static double accuracy(Tensor labels, Tensor positive) {
    Tensor wrong = labels.sub(positive).abs();
    return 1 - wrong.mean().item_double();
  }

  @ParameterizedTest
  @EnumSource(names = {"DEMOGRAPHIC_PARITY", "EQUAL_OPPORTUNITY", "EQUALISED_ODDS"})
  void theyAreAsAccurateAsThoseOfFairlearn(Fairness notion) {
    var json = ThresholdsTest.class.getResourceAsStream("/thresholds.json");
    JsonArray cases = new Gson().fromJson(new InputStreamReader(json, UTF_8), JsonArray.class);
    assertThat(cases).hasSize(2);
    for (JsonElement each : cases) {
      JsonObject data = each.getAsJsonObject();
      Tensor scores = tensor(data.getAsJsonArray("scores"));
      Tensor labels = tensor(data.getAsJsonArray("labels"));
      Tensor codes = tensor(data.getAsJsonArray("codes"));
      int groups = codes.max().item_int() + 1;
      RateContext context = RateContext.of(scores, labels).groupBy(codes, groups);
      Thresholds found =
          Thresholds.choose(context, ThresholdsTest::error, c -> notion.deviations(c).within(0));
      Tensor positive = found.probabilities(scores, codes);
      double expected = data.get(notion.name()).getAsDouble();
      // Its levels are the best one, or near it where two rates are made equal.
      assertThat(accuracy(labels, positive))
          .isBetween(expected - 1e-9, expected + (notion == Fairness.EQUALISED_ODDS ? 1e-3 : 1e-9));
      assertThat(parity(notion, labels, codes, groups, positive)).isLessThan(1e-9);
    }
  }

  /** The largest difference between groups of expected rates. */
  private static double parity(
      Fairness notion, Tensor labels, Tensor codes, int groups, Tensor positive) {
    double worst = 0;
    for (double label : new double[] {0, 1}) {
      boolean counts = notion != Fairness.EQUAL_OPPORTUNITY || label == 1;
      if (!counts) {
        continue;
      }
      Tensor among =
          notion == Fairness.DEMOGRAPHIC_PARITY
              ? torch.ones_like(labels)
              : labels.eq(new Scalar(label)).to(torch.ScalarType.Double);
      double lowest = 1;
      double highest = 0;
      for (int g = 0; g < groups; g++) {
        Tensor members = codes.eq(new Scalar((double) g)).to(torch.ScalarType.Double).mul(among);
        double rate = positive.mul(members).sum().item_double() / members.sum().item_double();
        lowest = Math.min(lowest, rate);
        highest = Math.max(highest, rate);
      }
      worst = Math.max(worst, highest - lowest);
    }
    return worst;
  }

  @Test
  void anyConstraintOfATrainingIsOneOfThresholds() {
    Function<RateContext, ConstraintState> recalls = c -> Rates.truePositiveRate(c).atLeast(0.6);
    Function<RateContext, ConstraintState> alarms =
        c -> Rates.falsePositiveRate(c.ungrouped()).atMost(0.1);
    Function<RateContext, ConstraintState> precision =
        c -> {
          Rate rate = Rates.precision(c.ungrouped());
          return rate.numerator().minus(rate.denominator().times(0.9)).atLeast(0);
        };
    Thresholds found =
        Thresholds.choose(context(), ThresholdsTest::error, recalls, alarms, precision);
    Tensor positive = found.probabilities(Tensor.create(SCORES), Tensor.create(CODES));
    Tensor labels = Tensor.create(LABELS);
    double right = positive.mul(labels).sum().item_double();
    double all = positive.sum().item_double();
    assertThat(right / all).isGreaterThan(0.9 - 1e-9);
    assertThat((all - right) / 4).isLessThan(0.1 + 1e-9);
    for (int g = 0; g < 2; g++) {
      double found0 = positive.mul(labels).narrow(0, 4L * g, 4).sum().item_double();
      assertThat(found0 / 2).isGreaterThan(0.6 - 1e-9);
    }
  }

  @Test
  void withoutConstraintsTheyAreTheMostAccurateOnes() {
    Thresholds found = Thresholds.choose(context(), ThresholdsTest::error);
    assertThat(found.choices()).allSatisfy(group -> assertThat(group).hasSize(1));
    Tensor decided = found.decide(Tensor.create(SCORES), Tensor.create(CODES), 0);
    assertThat(accuracy(Tensor.create(LABELS), decided)).isEqualTo(0.875);
  }

  @Test
  void withoutASplitAllHaveTheSame() {
    RateContext all = context().ungrouped();
    Thresholds found =
        Thresholds.choose(all, ThresholdsTest::error, c -> Rates.truePositiveRate(c).atLeast(1));
    assertThat(found.choices()).hasSize(1);
    Tensor decided = found.decide(Tensor.create(SCORES), null, 0);
    assertThat(decided.narrow(0, 0, 3).sum().item_int()).isEqualTo(3);
    assertThat(decided.narrow(0, 4, 2).sum().item_int()).isEqualTo(2);
  }

  @Test
  void fewCandidatesAreTakenEvenly() {
    Thresholds found =
        Thresholds.choose(
            context().ungrouped(),
            3,
            ThresholdsTest::error,
            List.of(c -> Rates.positivePredictionRate(c).within(0.3, 0.3)));
    Tensor positive = found.probabilities(Tensor.create(SCORES), null);
    assertThat(positive.mean().item_double()).isCloseTo(0.3, within(1e-9));
    assertThat(found.choices().get(0)).hasSizeBetween(1, 3);
  }

  @Test
  void aSeedDecidesTheSameAndAboutAsOftenAsIsLikely() {
    Thresholds found =
        Thresholds.choose(
            context().ungrouped(),
            ThresholdsTest::error,
            c -> Rates.positivePredictionRate(c).within(0.3, 0.3));
    Tensor scores = torch.ones(4000).mul(new Scalar(3.0));
    double likely = found.probabilities(scores, null).mean().item_double();
    Tensor decided = found.decide(scores, null, 5);
    assertThat(decided.mean().item_double()).isCloseTo(likely, within(0.03));
    assertThat(decided.equal(found.decide(scores, null, 5))).isTrue();
  }

  @Test
  void aCheckpointHoldsThem(@TempDir Path folder) {
    Thresholds found =
        Thresholds.choose(
            context(), ThresholdsTest::error, c -> Fairness.EQUALISED_ODDS.deviations(c).within(0));
    Path path = folder.resolve("thresholds.pt");
    Checkpoint.save(path, found.stateDict());
    assertThat(Thresholds.of(Checkpoint.load(path).asMap()).choices()).isEqualTo(found.choices());
    assertThatThrownBy(() -> Thresholds.of(Map.of("thresholds", List.of(List.of(1.0)))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("probabilities");
    assertThatThrownBy(
            () ->
                Thresholds.of(
                    Map.of(
                        "thresholds",
                        List.of(List.of(1.0)),
                        "probabilities",
                        List.of(List.of(0.5)))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("summing to 1");
  }

  @Test
  void whatIsNotLinearInDecisionsIsRefused() {
    List<Function<RateContext, ConstraintState>> bad =
        List.of(
            c -> Rates.precision(c.ungrouped()).atLeast(0.9),
            c -> Fairness.EQUAL_OPPORTUNITY.difference(c).atMost(0.1),
            c -> Rates.truePositiveRate(c).ratioTo(0).atLeast(0.8));
    for (Function<RateContext, ConstraintState> constraint : bad) {
      assertThatThrownBy(() -> Thresholds.choose(context(), ThresholdsTest::error, constraint))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("not linear in the decisions");
    }
    assertThatThrownBy(() -> Thresholds.choose(context(), c -> Rates.errorRate(c)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected a scalar");
    assertThatThrownBy(
            () -> Thresholds.choose(context(), c -> Rates.precision(c.ungrouped()).times(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void dataThatHaveNoThresholdsAreRefused() {
    Tensor scores = Tensor.create(SCORES);
    RateContext overlapping = RateContext.of(scores).groups(torch.ones(2, 8));
    RateContext classes = RateContext.of(torch.ones(8, 3), torch.zeros(8));
    RateContext empty = RateContext.of(torch.ones(0));
    Function<RateContext, Rate> objective = c -> Rates.positivePredictionRate(c.ungrouped());
    for (RateContext context : List.of(overlapping, classes, empty)) {
      assertThatThrownBy(() -> Thresholds.choose(context, objective))
          .isInstanceOf(IllegalArgumentException.class);
    }
    Thresholds found = Thresholds.choose(context(), ThresholdsTest::error);
    assertThatThrownBy(() -> found.decide(scores, null, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2 groups");
    assertThatThrownBy(() -> found.decide(scores, torch.ones(3), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("group codes");
  }
}
