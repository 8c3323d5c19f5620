package org.cooper4j.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.data.TensorDataset;

/**
 * The Adult data: 48,842 people of the US census of 1994. {@code data/adult/README.md} names origin
 * and licence.
 *
 * <p>Inputs are int64 {@code [n, 11]}: a category is its place among the sorted values of its
 * column. Sex is not an input. Targets are float32 {@code [n, 2]}: whether the income is above
 * 50,000 dollars, and whether the person is male, as 1 or 0.
 */
final class Adult {
  private static final int TRAIN_ROWS = 32_561;
  private static final Set<String> NO_FEATURES = Set.of("sex", "class");

  private Adult() {}

  /** Reads the folder's {@code adult.csv.gz}: the training set and the test set, as UCI splits. */
  static List<TensorDataset> read(Path folder) throws IOException {
    List<String[]> rows = rows(folder.resolve("adult.csv.gz"));
    List<String> names = List.of(rows.remove(0));
    int[] features =
        IntStream.range(0, names.size()).filter(i -> !NO_FEATURES.contains(names.get(i))).toArray();
    int n = rows.size();
    long[] inputs = new long[n * features.length];
    for (int column = 0; column < features.length; column++) {
      int feature = features[column];
      List<String> values =
          List.copyOf(new TreeSet<>(rows.stream().map(row -> row[feature]).toList()));
      for (int i = 0; i < n; i++) {
        inputs[i * features.length + column] = values.indexOf(rows.get(i)[feature]);
      }
    }
    float[] targets = new float[2 * n];
    for (int i = 0; i < n; i++) {
      targets[2 * i] = rows.get(i)[names.indexOf("class")].equals(">50K") ? 1 : 0;
      targets[2 * i + 1] = rows.get(i)[names.indexOf("sex")].equals("Male") ? 1 : 0;
    }
    Tensor allInputs = Tensor.create(inputs, n, features.length);
    Tensor allTargets = Tensor.create(targets, n, 2);
    return List.of(
        part(allInputs, allTargets, 0, TRAIN_ROWS),
        part(allInputs, allTargets, TRAIN_ROWS, n - TRAIN_ROWS));
  }

  private static TensorDataset part(Tensor inputs, Tensor targets, long start, long length) {
    return new TensorDataset(inputs.narrow(0, start, length), targets.narrow(0, start, length));
  }

  private static List<String[]> rows(Path file) throws IOException {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
      List<String[]> rows = new ArrayList<>();
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        rows.add(line.split(",", -1));
        int columns = rows.get(0).length;
        int found = rows.get(rows.size() - 1).length;
        if (found != columns) {
          throw new IOException(
              file + ", line " + rows.size() + ": expected " + columns + " values, found " + found);
        }
      }
      if (rows.size() <= 1 + TRAIN_ROWS) {
        throw new IOException(
            file + ": expected more than " + TRAIN_ROWS + " people, found " + (rows.size() - 1));
      }
      return rows;
    }
  }
}
