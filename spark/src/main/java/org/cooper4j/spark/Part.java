package org.cooper4j.spark;

import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Row;
import org.cooper4j.data.TensorDataset;
import scala.collection.Iterator;

/** The rows that a worker has. */
final class Part implements AutoCloseable {
  private final Plan plan;
  private final RowTensor inputs;
  private final RowTensor targets;
  private long rows;
  private long sum;

  Part(Plan plan) {
    this.plan = plan;
    inputs = new RowTensor(plan.inputs(), plan.dtype());
    targets = new RowTensor(plan.targets(), plan.dtype());
  }

  /**
   * Reads them; each has its key first, by which they are sorted.
   *
   * @throws IllegalArgumentException if a row cannot be read, or two have the same id
   */
  void read(Iterator<Row> all) {
    long last = 0;
    while (all.hasNext()) {
      Row row = all.next();
      long key = row.getLong(0);
      if (plan.idColumn() != null && rows > 0 && key == last) {
        throw new IllegalArgumentException(
            "two rows have the same value, or none, in the column '"
                + plan.idColumn()
                + "'; an id is each row's own");
      }
      inputs.add(row);
      targets.add(row);
      rows++;
      sum += key;
      last = key;
    }
  }

  /**
   * How many rows, their keys' sum, and how many numbers each column has; for {@link #tensors} and
   * {@link #deal}.
   */
  String description() {
    return rows + ";" + sum + ";" + inputs.widths() + ";" + targets.widths();
  }

  /**
   * The rows as tensors; this part has none afterwards.
   *
   * @param parts what all workers said
   * @throws IllegalArgumentException if there are no rows at all, or the workers' widths differ
   */
  TensorDataset tensors(String[] parts) {
    List<String> widths =
        Arrays.stream(parts)
            .filter(its -> !its.startsWith("0;"))
            .map(its -> its.split(";", 3)[2])
            .distinct()
            .toList();
    if (widths.isEmpty()) {
      throw new IllegalArgumentException("the DataFrame has no rows");
    }
    if (widths.size() > 1) {
      throw new IllegalArgumentException(
          "vectors or arrays of a column differ in length; rows have "
              + String.join(" and ", widths)
              + " numbers in the input; target columns");
    }
    String[] both = widths.get(0).split(";", -1);
    return new TensorDataset(inputs.take(sum(both[0])), targets.take(sum(both[1])));
  }

  private static int sum(String widths) {
    return Arrays.stream(widths.replaceAll("[\\[\\] ]", "").split(",", -1))
        .filter(its -> !its.isEmpty())
        .mapToInt(Integer::parseInt)
        .sum();
  }

  /** A worker's share of each batch, its rows being after those of the workers before it. */
  static Deal deal(Plan plan, String[] parts, int rank) {
    long[] counts = numbers(parts, 0);
    return new Deal(
        Arrays.stream(counts).sum(),
        Arrays.stream(numbers(parts, 1)).sum(),
        Arrays.stream(counts, 0, rank).sum(),
        counts[rank],
        plan.batchSize(),
        plan.seed());
  }

  private static long[] numbers(String[] parts, int field) {
    return Arrays.stream(parts).mapToLong(its -> Long.parseLong(its.split(";")[field])).toArray();
  }

  @Override
  public void close() {
    inputs.close();
    targets.close();
  }
}
