package org.cooper4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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

  private Adult() {}

  /**
   * The training set and the test set, as UCI splits. Inputs are int64 {@code [n, 11]}: a category
   * is its place among the sorted values of its column; sex is not an input. Targets are float32
   * {@code [n, 2]}: whether the income is above 50,000 dollars, and whether the person is male.
   */
  public static List<TensorDataset> read(Path folder) throws IOException {
    Table table = new Table(folder.resolve("adult.csv.gz")).requireMoreRows(TRAIN_ROWS);
    TensorVector columns = new TensorVector();
    table.namesBut(Set.of("sex", "class")).forEach(name -> columns.push_back(table.codes(name)));
    TensorVector targets = new TensorVector(table.is("class", ">50K"), table.is("sex", "Male"));
    return split(torch.stack(columns, 1), torch.stack(targets, 1));
  }

  private static List<TensorDataset> split(Tensor inputs, Tensor targets) {
    long test = inputs.size(0) - TRAIN_ROWS;
    return List.of(
        new TensorDataset(inputs.narrow(0, 0, TRAIN_ROWS), targets.narrow(0, 0, TRAIN_ROWS)),
        new TensorDataset(inputs.narrow(0, TRAIN_ROWS, test), targets.narrow(0, TRAIN_ROWS, test)));
  }
}
