package org.cooper4j.rates;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Values beside those of scikit-learn and fairlearn, which {@code src/test/python/rates_golden.py}
 * wrote.
 */
class GoldenRatesTest {
  static final Map<String, Function<RateContext, Rate>> RATES =
      Map.ofEntries(
          entry("positivePredictionRate", Rates::positivePredictionRate),
          entry("negativePredictionRate", Rates::negativePredictionRate),
          entry("errorRate", Rates::errorRate),
          entry("accuracy", Rates::accuracy),
          entry("truePositiveRate", Rates::truePositiveRate),
          entry("falseNegativeRate", Rates::falseNegativeRate),
          entry("falsePositiveRate", Rates::falsePositiveRate),
          entry("trueNegativeRate", Rates::trueNegativeRate),
          entry("truePositiveProportion", Rates::truePositiveProportion),
          entry("falseNegativeProportion", Rates::falseNegativeProportion),
          entry("falsePositiveProportion", Rates::falsePositiveProportion),
          entry("trueNegativeProportion", Rates::trueNegativeProportion),
          entry("precision", Rates::precision),
          entry("fScore", Rates::fScore),
          entry("fScore2", context -> Rates.fScore(context, 2)),
          entry("rocAuc", Rates::rocAuc),
          entry("prAuc", Rates::prAuc),
          entry("recallAtPrecision", context -> Rates.recallAtPrecision(context, 0.6)),
          entry("precisionAtRecall", context -> Rates.precisionAtRecall(context, 0.7)),
          entry(
              "truePositiveRateAtFalsePositiveRate",
              context -> Rates.truePositiveRateAtFalsePositiveRate(context, 0.2)));

  private static final Map<String, Fairness> NOTIONS =
      Map.of(
          "demographic_parity", Fairness.DEMOGRAPHIC_PARITY,
          "equal_opportunity", Fairness.EQUAL_OPPORTUNITY,
          "equalized_odds", Fairness.EQUALISED_ODDS,
          "predictive_parity", Fairness.PREDICTIVE_PARITY,
          "accuracy_parity", Fairness.ACCURACY_PARITY);

  private static Stream<JsonObject> cases(String kind) throws IOException {
    String text = Files.readString(Path.of("src/test/resources/rates.json"));
    JsonArray cases = JsonParser.parseString(text).getAsJsonObject().getAsJsonArray(kind);
    return StreamSupport.stream(cases.spliterator(), false).map(JsonElement::getAsJsonObject);
  }

  static Stream<JsonObject> binary() throws IOException {
    return cases("binary");
  }

  static Stream<JsonObject> multiclass() throws IOException {
    return cases("multiclass");
  }

  private static double[] doubles(JsonElement array) {
    return StreamSupport.stream(array.getAsJsonArray().spliterator(), false)
        .mapToDouble(JsonElement::getAsDouble)
        .toArray();
  }

  private static RateContext context(JsonObject data) {
    return RateContext.of(
            Tensor.create(doubles(data.get("scores"))), Tensor.create(doubles(data.get("labels"))))
        .weighted(Tensor.create(doubles(data.get("weights"))));
  }

  private static void compare(double found, JsonObject expected, String name) {
    JsonElement value = expected.get(name);
    if (value == null || value.isJsonNull()) {
      assertThat(found).as(name).isNaN();
    } else {
      assertThat(found).as(name).isCloseTo(value.getAsDouble(), within(1e-12));
    }
  }

  @ParameterizedTest
  @MethodSource("binary")
  void everyRateIsThatOfScikitLearn(JsonObject data) {
    RateContext context = context(data);
    RATES.forEach(
        (name, rate) ->
            compare(rate.apply(context).value().item_double(), data.getAsJsonObject("all"), name));
  }

  @ParameterizedTest
  @MethodSource("binary")
  void everyRateOfGroupsIsThatOfEach(JsonObject data) {
    int groups = data.get("groups").getAsInt();
    Tensor codes = Tensor.create(doubles(data.get("codes")));
    Tensor masks =
        torch.stack(
            new TensorVector(
                IntStream.range(0, groups)
                    .mapToObj(group -> codes.eq(new Scalar((long) group)))
                    .toArray(Tensor[]::new)));
    List<RateContext> splits =
        List.of(context(data).groupBy(codes, groups), context(data).groups(masks));
    for (RateContext split : splits) {
      RATES.forEach(
          (name, rate) -> {
            Tensor found = rate.apply(split).value();
            assertThat(found.shape()).containsExactly(groups);
            for (int i = 0; i < groups; i++) {
              JsonObject each = data.getAsJsonArray("each").get(i).getAsJsonObject();
              compare(found.select(0, i).item_double(), each, name);
            }
          });
    }
  }

  @ParameterizedTest
  @MethodSource("binary")
  void notionsOfFairnessAreThoseOfFairlearn(JsonObject data) {
    if (!data.has("fairness")) {
      return;
    }
    RateContext context =
        context(data)
            .groupBy(Tensor.create(doubles(data.get("codes"))), data.get("groups").getAsInt());
    NOTIONS.forEach(
        (name, notion) -> {
          double[] expected = doubles(data.getAsJsonObject("fairness").get(name));
          double[] found = {
            notion.difference(context).value().item_double(),
            notion.ratio(context).value().item_double()
          };
          assertThat(found).as(name).containsExactly(expected, within(1e-12));
        });
  }

  @ParameterizedTest
  @MethodSource("multiclass")
  void ratesOfClassesAreThoseOfScikitLearn(JsonObject data) {
    JsonArray rows = data.getAsJsonArray("scores");
    double[] scores =
        IntStream.range(0, rows.size())
            .boxed()
            .flatMapToDouble(i -> Arrays.stream(doubles(rows.get(i))))
            .toArray();
    int classes = rows.get(0).getAsJsonArray().size();
    RateContext context =
        RateContext.of(
                Tensor.create(scores, rows.size(), classes),
                Tensor.create(doubles(data.get("labels"))))
            .weighted(Tensor.create(doubles(data.get("weights"))));
    compare(Rates.accuracy(context).value().item_double(), data, "accuracy");
    compare(Rates.errorRate(context).value().item_double(), data, "errorRate");
    for (JsonElement element : data.getAsJsonArray("sets")) {
      JsonObject set = element.getAsJsonObject();
      int[] positives =
          Arrays.stream(doubles(set.get("positives"))).mapToInt(c -> (int) c).toArray();
      for (String name : set.keySet()) {
        if (RATES.containsKey(name)) {
          double found = RATES.get(name).apply(context.positive(positives)).value().item_double();
          compare(found, set, name);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("binary")
  void float32ScoresGiveTheSameWithinRounding(JsonObject data) {
    RateContext exact = context(data);
    float[] scores = new float[(int) exact.size()];
    double[] given = doubles(data.get("scores"));
    IntStream.range(0, scores.length).forEach(i -> scores[i] = (float) given[i]);
    RateContext context =
        RateContext.of(Tensor.create(scores), Tensor.create(doubles(data.get("labels"))))
            .weighted(Tensor.create(doubles(data.get("weights"))));
    RATES.forEach(
        (name, rate) ->
            assertThat(rate.apply(context).value().item_double())
                .as(name.toLowerCase(Locale.ROOT))
                .isCloseTo(rate.apply(exact).value().item_double(), within(1e-6)));
  }
}
