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
import java.util.stream.DoubleStream;
import java.util.zip.GZIPInputStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.data.TensorDataset;

/** A gzip-compressed CSV file with a header. */
public final class Table {
  private final Path file;
  private final List<String> names;
  private final List<String[]> rows = new ArrayList<>();

  Table(Path file) throws IOException {
    this.file = file;
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
      names = List.of(String.valueOf(reader.readLine()).split(",", -1));
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        String[] row = line.split(",", -1);
        if (row.length != names.size()) {
          throw new IOException(
              "%s, line %d: expected %d values, found %d"
                  .formatted(file, rows.size() + 2, names.size(), row.length));
        }
        rows.add(row);
      }
    }
  }

  /** Throws unless there are more rows than that. */
  Table requireMoreRows(int count) throws IOException {
    if (rows.size() <= count) {
      throw new IOException(file + ": expected more than " + count + " rows, found " + rows.size());
    }
    return this;
  }

  /** The columns but for some. */
  List<String> namesBut(Set<String> others) {
    return names.stream().filter(name -> !others.contains(name)).toList();
  }

  List<String> column(String name) {
    int column = names.indexOf(name);
    return rows.stream().map(row -> row[column]).toList();
  }

  /** Each value's place among the sorted ones of its column, int64 {@code [n]}. */
  Tensor codes(String name) {
    List<String> values = column(name);
    List<String> sorted = List.copyOf(new TreeSet<>(values));
    return Tensor.create(values.stream().mapToLong(sorted::indexOf).toArray());
  }

  /** How many of these edges each number of a column is above, int64 {@code [n]}. */
  Tensor bins(String name, double... edges) {
    return Tensor.create(
        numbers(name)
            .mapToLong(each -> DoubleStream.of(edges).filter(e -> each > e).count())
            .toArray());
  }

  /** Numbers of mean 0 and variance 1, float32 {@code [n]}. */
  Tensor standardised(String name) {
    Tensor values = Tensor.create(numbers(name).toArray());
    return values.sub(values.mean()).div(values.std()).to(ScalarType.Float);
  }

  private DoubleStream numbers(String name) {
    return column(name).stream().mapToDouble(Double::parseDouble);
  }

  /** 1 where a column has one of these values, else 0: float32 {@code [n]}. */
  Tensor is(String name, String... values) {
    float[] found = new float[rows.size()];
    List<String> column = column(name);
    for (int i = 0; i < found.length; i++) {
      found[i] = List.of(values).contains(column.get(i)) ? 1 : 0;
    }
    return Tensor.create(found);
  }

  /** A column for each code of each of these, float32 {@code [n, d]}. */
  public static Tensor oneHot(TensorVector codes) {
    TensorVector parts = new TensorVector();
    for (Tensor each : codes.get()) {
      parts.push_back(torch.one_hot(each).to(ScalarType.Float));
    }
    return torch.cat(parts, 1);
  }

  /** The first rows, and the others; targets are columns. */
  static List<TensorDataset> split(long first, Tensor inputs, Tensor... targets) {
    Tensor columns = torch.stack(new TensorVector(targets), 1);
    long others = inputs.size(0) - first;
    return List.of(
        new TensorDataset(inputs.narrow(0, 0, first), columns.narrow(0, 0, first)),
        new TensorDataset(inputs.narrow(0, first, others), columns.narrow(0, first, others)));
  }
}
