package org.cooper4j.spark.example;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.cooper4j.spark.Session;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FairIncomeTest {
  @TempDir private Path folder;

  @Test
  void menAndWomenArePredictedHighIncomesAtCloseRates() throws Exception {
    Map<String, Double> test =
        FairIncome.run(
            Session.get(),
            "../examples/data/adult/adult.csv.gz",
            folder.resolve("adult.parquet").toString(),
            folder.resolve("checkpoints").toString(),
            2,
            10);
    assertThat(test.get("gap")).isBetween(-0.06, 0.06);
    assertThat(test.get("accuracy")).isGreaterThan(0.83);
  }
}
