package org.cooper4j.spark;

import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.unsafe.hash.Murmur3_x86_32;

/**
 * What is read of a DataFrame.
 *
 * @param rows their key, by which they are dealt, and then the columns under names of our own
 */
record Selection(Dataset<Row> rows, Columns inputs, Columns targets) {
  private static final String KEY = "key";

  /**
   * A selection.
   *
   * @param id the column whose hash is the key; null for that of all columns that are read
   * @throws IllegalArgumentException if a column is not there, or has no numbers
   */
  static Selection of(Dataset<?> frame, List<String> inputs, List<String> targets, String id) {
    List<String> read = Stream.concat(inputs.stream(), targets.stream()).toList();
    Column[] named =
        IntStream.range(0, read.size())
            .mapToObj(i -> column(frame, read.get(i)).as("column" + i))
            .toArray(Column[]::new);
    List<DataType> types = types(read, frame, named);
    Columns inputColumns = Columns.of(inputs, types.subList(0, inputs.size()), 1);
    Columns targetColumns =
        Columns.of(targets, types.subList(inputs.size(), read.size()), 1 + inputs.size());

    Column[] dealtBy = id == null ? named : new Column[] {column(frame, id)};
    Column key = functions.xxhash64(dealtBy).as(KEY);
    Column[] keyed = Stream.concat(Stream.of(key), Stream.of(named)).toArray(Column[]::new);
    return new Selection(
        analysed(() -> frame.select(keyed), "no hash of the id column '" + id + "'", frame),
        inputColumns,
        targetColumns);
  }

  /**
   * A part for each worker, of a range of keys and sorted by them. Keys are hashes, so that ranges
   * of the same size do. Those of repartitionByRange come from a sample, which reads all rows once
   * more, and which another application draws otherwise.
   */
  Dataset<Row> dealt(int workers) {
    Column high = functions.shiftright(functions.col(KEY), 32).plus(1L << 31); // below 2^32
    Column worker = functions.shiftright(high.multiply((long) workers), 32).cast("int");
    return rows.repartition(workers, routed(worker, workers)).sortWithinPartitions(KEY);
  }

  /** A number of which Spark's partitioning by a hash makes that of the worker. */
  private static Column routed(Column worker, int workers) {
    Column[] numbers = new Column[workers];
    for (int number = 0, found = 0; found < workers; number++) {
      int part = Math.floorMod(Murmur3_x86_32.hashInt(number, 42), workers); // HashPartitioning's
      if (numbers[part] == null) {
        numbers[part] = functions.lit(number);
        found++;
      }
    }
    return functions.get(functions.array(numbers), worker);
  }

  private static List<DataType> types(List<String> names, Dataset<?> frame, Column[] columns) {
    return Stream.of(
            analysed(() -> frame.select(columns), "none of the columns " + names, frame)
                .schema()
                .fields())
        .map(StructField::dataType)
        .toList();
  }

  /** The column of that name, or what Spark makes of it: another case, a part of a struct. */
  private static Column column(Dataset<?> frame, String name) {
    long equal = Stream.of(frame.columns()).filter(name::equals).count();
    if (equal > 1) {
      throw new IllegalArgumentException(
          "there are " + equal + " columns '" + name + "'; rename them, by toDF(…)");
    }
    String whole = equal == 1 ? "`" + name.replace("`", "``") + "`" : name;
    return analysed(() -> frame.col(whole), "no column '" + name + "'", frame);
  }

  private static <T> T analysed(Supplier<T> query, String otherwise, Dataset<?> frame) {
    try {
      return query.get();
    } catch (Exception e) { // AnalysisException is a checked one, which Scala does not declare
      if (e instanceof AnalysisException) {
        throw new IllegalArgumentException(
            "there is %s; there are %s. Spark says: %s"
                .formatted(
                    otherwise,
                    Arrays.toString(frame.columns()),
                    e.getMessage().lines().findFirst().orElse("")),
            e);
      }
      throw e;
    }
  }
}
