package org.cooper4j.examples;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.data.TensorDataset;

/**
 * The Adult data: 48,842 people of the US census of 1994. {@code data/adult/README.md} names origin
 * and licence.
 */
public final class Adult {
  private static final int TRAIN_ROWS = 32_561;
  private static final Map<String, double[]> BINS =
      Map.of(
          "age", new double[] {25, 35, 45, 55},
          "capitalgain", new double[] {0, 3500, 7500, 10_000},
          "capitalloss", new double[] {0, 1600, 1900, 2200},
          "hoursperweek", new double[] {20, 35, 45, 60});
  private static final Map<String, double[]> NOTEBOOK_BINS =
      Map.of(
          "age", new double[] {28, 37, 48},
          "capitalgain", new double[] {1, 4000, 10_000},
          "capitalloss", new double[] {1, 1800, 1950},
          "hoursperweek", new double[] {39, 41, 50});

  private Adult() {}

  /**
   * The training set and the test set, as UCI splits. Inputs are int64 {@code [n, 11]}: a word is
   * its place among the sorted values of its column, a number its bin; sex is not an input. Targets
   * are float32 {@code [n, 2]}: whether the income is above 50,000 dollars, and whether the person
   * is male.
   */
  public static List<TensorDataset> read() throws IOException {
    Table table = table();
    Tensor inputs = torch.stack(codes(table, BINS, "sex", "class"), 1);
    return Table.split(TRAIN_ROWS, inputs, table.is("class", ">50K"), table.is("sex", "Male"));
  }

  /**
   * The same people with the 122 inputs of TensorFlow Constrained Optimization's notebook {@code
   * Fairness_adult}, float32, one a word and one a bin of each number. Targets are float32 {@code
   * [n, 5]}: whether the income is above 50,000 dollars, and whether the person is female, male,
   * white, black.
   */
  static List<TensorDataset> readOneHot() throws IOException {
    Table table = table();
    TensorVector columns = codes(table, NOTEBOOK_BINS, "class");
    columns.push_back(table.bins("education-num", 8, 9, 11));
    return Table.split(
        TRAIN_ROWS,
        Table.oneHot(columns),
        table.is("class", ">50K"),
        table.is("sex", "Female"),
        table.is("sex", "Male"),
        table.is("race", "White"),
        table.is("race", "Black"));
  }

  private static Table table() throws IOException {
    return new Table(Example.data("adult").resolve("adult.csv.gz")).requireMoreRows(TRAIN_ROWS);
  }

  private static TensorVector codes(Table table, Map<String, double[]> bins, String... others) {
    TensorVector columns = new TensorVector();
    for (String name : table.namesBut(Set.of(others))) {
      columns.push_back(
          bins.containsKey(name) ? table.bins(name, bins.get(name)) : table.codes(name));
    }
    return columns;
  }
}
