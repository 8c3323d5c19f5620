package org.cooper4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Short trainings; the README's numbers are those of whole ones. */
class RateExamplesTest {
  @TempDir Path folder;

  @BeforeAll
  static void useOneThread() {
    torch.set_num_threads(1);
  }

  @Test
  void equalOpportunityIsKeptByMixturesAndByThresholds() {
    String table = run(new EqualOpportunity(), "--epochs=3");
    assertThat(numbers(table, "no constraint")[1]).isPositive();
    for (String kept :
        new String[] {
          "no constraint, thresholds by group",
          "Lagrangian, best mixture",
          "proxy-Lagrangian, best mixture"
        }) {
      double[] numbers = numbers(table, kept);
      assertThat(numbers[0]).as(kept).isLessThan(0.15);
      assertThat(numbers[1]).as(kept).isLessThan(0.0001);
      assertThat(numbers[2]).as(kept).isLessThan(0.15);
    }
    assertThat(folder.resolve("equal_opportunity.png")).isNotEmptyFile();
  }

  @Test
  void aRunThatSwingsBecomesAMixtureThatIsFeasible() {
    String table = run(new CreditRisk());
    Matcher swing = Pattern.compile("second half of the run: (\\S+) to (\\S+)").matcher(table);
    assertThat(swing.find()).isTrue();
    assertThat(Double.parseDouble(swing.group(1))).isNegative();
    assertThat(Double.parseDouble(swing.group(2))).isGreaterThan(0.1);
    double[] mixture = numbers(table, "mixture");
    assertThat(mixture[1]).isLessThan(0.0001);
    assertThat(mixture[0]).isLessThanOrEqualTo(numbers(table, "best iterate")[0]);
    assertThat(mixture[0]).isLessThan(numbers(table, "last iterate")[0]);
    assertThat(folder.resolve("credit_risk.png")).isNotEmptyFile();
    assertThat(folder.resolve("credit_risk.pt")).isNotEmptyFile();
  }

  @Test
  void falseAlarmsAreBoundedAndRecallAtAPrecisionIsAnObjective() {
    String table = run(new Churn(), "--steps=800");
    double[] crossEntropy = numbers(table, "cross-entropy");
    double[] bounded = numbers(table, "false positive rate <= 0.05");
    assertThat(bounded[1]).isLessThan(0.07);
    assertThat(bounded[0]).isGreaterThan(crossEntropy[0]);
    assertThat(numbers(table, "recall at precision 0.9")[3]).isGreaterThan(crossEntropy[3]);
    assertThat(folder.resolve("churn.png")).isNotEmptyFile();
  }

  @Test
  void multipliersThatSeeOtherDataMissLessOnNewData() {
    String table = run(new HeldOut(), "--steps=200", "--seeds=1", "--widths=64");
    double missed = numbers(table, "width 64, data sets: one")[3];
    assertThat(missed).isPositive();
    assertThat(numbers(table, "width 64, data sets: two")[3]).isLessThan(missed);
    assertThat(folder.resolve("held_out.png")).isNotEmptyFile();
  }

  private String run(Callable<Integer> program, String... options) {
    String[] all = Arrays.copyOf(options, options.length + 2);
    all[options.length] = "--device=cpu";
    all[options.length + 1] = "--out=" + folder;
    return Printed.by(program, all);
  }

  private static double[] numbers(String table, String row) {
    String line =
        table.lines().filter(each -> each.startsWith("| " + row + " ")).findFirst().orElseThrow();
    return Arrays.stream(line.split("\\|", -1))
        .filter(cell -> !cell.isBlank())
        .skip(1)
        .mapToDouble(cell -> Double.parseDouble(cell.strip()))
        .toArray();
  }
}
