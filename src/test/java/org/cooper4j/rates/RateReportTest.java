package org.cooper4j.rates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class RateReportTest {
  private static RateContext context() {
    return RateContext.of(
            Tensor.create(new double[] {1, -1, 2, 1, -2, 3, -1, -1, 1, 1}),
            Tensor.create(new double[] {1, 0, 1, 0, 1, 1, 0, 0, 1, 1}))
        .groupBy(
            Tensor.create(new double[] {0, 0, 0, 0, 0, 1, 1, 1, 1, 1}),
            List.of("a|b", "say \"c\"", "nobody"));
  }

  @Test
  void aTableHasAllRatesByGroupAndOfEverybody() {
    RateReport report = RateReport.of(context());
    assertThat(report.groups()).containsExactly("a|b", "say \"c\"", "nobody", "all");
    assertThat(report.rows().get("accuracy").stream().map(RateReport.Cell::value))
        .containsExactly(0.6, 1.0, Double.NaN, 0.8);
    assertThat(report.rows()).containsKeys("precision", "F1", "ROC-AUC", "PR-AUC");
  }

  @Test
  void columnsOfOneNameAreRefused() {
    RateContext people = RateContext.of(torch.zeros(2), torch.ones(2));
    for (List<String> names : List.of(List.of("a", "all"), List.of("a", "a"))) {
      RateContext groups = people.groupBy(torch.zeros(2), names);
      assertThatThrownBy(() -> RateReport.of(groups))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("two columns are called '" + names.get(1) + "'");
    }
  }

  @Test
  void proportionsHaveWilsonsInterval() {
    // statsmodels.stats.proportion.proportion_confint(8, 10, method="wilson")
    RateReport.Cell all = RateReport.of(context()).rows().get("accuracy").get(3);
    assertThat(all.lower()).isCloseTo(0.4901624715, within(1e-9));
    assertThat(all.upper()).isCloseTo(0.9433178485, within(1e-9));
  }

  @Test
  void otherRatesHaveBootstrapIntervalsThatASeedRepeats() {
    RateReport report = RateReport.of(context(), Map.of("precision", Rates::precision), 100, 1);
    RateReport.Cell all = report.rows().get("precision").get(3);
    assertThat(all.value()).isCloseTo(5 / 6.0, within(1e-12));
    assertThat(all.lower()).isBetween(0.3, all.value());
    assertThat(all.upper()).isBetween(all.value(), 1.0);
    assertThat(RateReport.of(context(), Map.of("precision", Rates::precision), 100, 1).toJson())
        .isEqualTo(report.toJson());
  }

  @Test
  void textMarkdownAndJsonSayTheSame() {
    RateReport report = RateReport.of(context(), Map.of("accuracy", Rates::accuracy), 0, 0);
    assertThat(report.toString().lines().toList())
        .hasSize(2)
        .last()
        .asString()
        .matches("accuracy  0\\.6000 \\[.*]  1\\.0000 \\[.*] +–  +0\\.8000 \\[.*]");
    assertThat(report.toMarkdown())
        .startsWith(
            "| rate | a\\|b | say \"c\" | nobody | all |\n|---|---|---|---|---|\n| accuracy |");
    JsonObject row =
        JsonParser.parseString(report.toJson()).getAsJsonObject().getAsJsonObject("accuracy");
    assertThat(row.getAsJsonObject("say \"c\"").get("value").getAsDouble()).isEqualTo(1);
    assertThat(row.getAsJsonObject("nobody").get("value").isJsonNull()).isTrue();
  }

  @Test
  void withoutLabelsOrPositiveClassesItHasWhatThereIs() {
    Tensor classes = Tensor.create(new double[] {1, 0, 2, 0, 1, 0}, 2, 3);
    assertThat(RateReport.of(RateContext.of(classes.select(1, 0))).rows().keySet())
        .containsExactly("positive prediction rate");
    assertThat(
            RateReport.of(RateContext.of(classes, Tensor.create(new double[] {2, 1})))
                .rows()
                .keySet())
        .containsExactly("accuracy", "error rate");
  }
}
