package org.cooper4j.spark;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.NumericType;

/** The columns whose numbers, side by side, are a tensor's rows. */
final class Columns implements Serializable {
  private record Column(String name, Kind kind) implements Serializable {}

  private static final String INDEXED =
      "make it one by StringIndexer and, for a category, OneHotEncoder";

  /** What helps where a type's name begins so. */
  private static final Map<String, String> ADVICE =
      Map.of(
          "string", INDEXED,
          "char", INDEXED,
          "varchar", INDEXED,
          "date", "take unix_date(…) of it",
          "timestamp", "take unix_seconds(…) of it",
          "struct<", "name its fields, as in person.age",
          "array<array<", "flatten it",
          "array<boolean>", "cast it to array<int>",
          "vector", "convert it by MLUtils.convertVectorColumnsToML");

  private enum Kind {
    NUMBER,
    BOOLEAN,
    VECTOR,
    ARRAY
  }

  private final List<Column> columns;
  private final int first;

  private Columns(List<Column> columns, int first) {
    this.columns = columns;
    this.first = first;
  }

  /**
   * Columns.
   *
   * @param names that their user gives them
   * @param first where they stand in the rows that are read
   * @throws IllegalArgumentException if one is no numbers
   */
  static Columns of(List<String> names, List<DataType> types, int first) {
    List<Column> columns = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      columns.add(column(names.get(i), types.get(i)));
    }
    return new Columns(List.copyOf(columns), first);
  }

  private static Column column(String name, DataType type) {
    return new Column(
        name,
        kind(type)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "column '"
                            + name
                            + "' is of the type "
                            + type.simpleString()
                            + "; what is read are numbers, booleans, vectors of Spark's ml and"
                            + " arrays of numbers"
                            + advice(type))));
  }

  private static Optional<Kind> kind(DataType type) {
    if (type instanceof NumericType) {
      return Optional.of(Kind.NUMBER);
    } else if (type instanceof BooleanType) {
      return Optional.of(Kind.BOOLEAN);
    } else if (type.equals(SQLDataTypes.VectorType())) {
      return Optional.of(Kind.VECTOR);
    }
    return type instanceof ArrayType array && array.elementType() instanceof NumericType
        ? Optional.of(Kind.ARRAY)
        : Optional.empty();
  }

  private static String advice(DataType type) {
    String name = type.simpleString();
    return ADVICE.entrySet().stream()
        .filter(its -> name.startsWith(its.getKey()))
        .map(its -> ": " + its.getValue())
        .findFirst()
        .orElse("");
  }

  List<String> names() {
    return columns.stream().map(Column::name).toList();
  }

  int size() {
    return columns.size();
  }

  /**
   * The numbers of a row, a column an array.
   *
   * @throws IllegalArgumentException if there is none, naming the column
   */
  double[][] read(Row row) {
    double[][] numbers = new double[columns.size()][];
    for (int i = 0; i < numbers.length; i++) {
      Column column = columns.get(i);
      Object value = row.get(first + i);
      if (value == null) {
        throw isNull(column.name);
      }
      numbers[i] =
          switch (column.kind) {
            case NUMBER -> new double[] {((Number) value).doubleValue()};
            case BOOLEAN -> new double[] {(Boolean) value ? 1 : 0};
            case VECTOR -> ((Vector) value).toArray();
            case ARRAY -> array(column.name, row.getList(first + i));
          };
    }
    return numbers;
  }

  private static double[] array(String name, List<Number> elements) {
    double[] numbers = new double[elements.size()];
    for (int i = 0; i < numbers.length; i++) {
      Number element = elements.get(i);
      if (element == null) {
        throw isNull(name);
      }
      numbers[i] = element.doubleValue();
    }
    return numbers;
  }

  private static IllegalArgumentException isNull(String name) {
    return new IllegalArgumentException(
        "column '"
            + name
            + "' has a null; leave such rows out (na().drop()), or fill it (na().fill(…),"
            + " Imputer)");
  }
}
