package org.cooper4j.examples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/** A table of what several methods reach: means, with standard deviations if there are repeats. */
final class Repeats {
  private final List<String> columns;
  private final Map<String, List<double[]>> rows = new LinkedHashMap<>();

  Repeats(String... columns) {
    this.columns = List.of(columns);
  }

  /** Adds a repeat of a row: a number for each column, in parts. */
  void add(String row, double[]... numbers) {
    double[] all = Arrays.stream(numbers).flatMapToDouble(Arrays::stream).toArray();
    rows.computeIfAbsent(row, name -> new ArrayList<>()).add(all);
  }

  /** The mean of a row's numbers in a column. */
  double mean(String row, int column) {
    return rows.get(row).stream().mapToDouble(each -> each[column]).average().orElseThrow();
  }

  private String cell(String row, int column) {
    List<double[]> repeats = rows.get(row);
    double mean = mean(row, column);
    String text = String.format(Locale.ROOT, "%.4f", mean);
    if (repeats.size() == 1) {
      return text;
    }
    double squares = repeats.stream().mapToDouble(each -> Math.pow(each[column] - mean, 2)).sum();
    double deviation = Math.sqrt(squares / (repeats.size() - 1));
    return text + String.format(Locale.ROOT, " ± %.4f", deviation);
  }

  @Override
  public String toString() {
    List<String> lines = new ArrayList<>();
    lines.add("| | " + String.join(" | ", columns) + " |");
    lines.add("|---".repeat(columns.size() + 1) + "|");
    for (String row : rows.keySet()) {
      List<String> cells =
          IntStream.range(0, columns.size()).mapToObj(column -> cell(row, column)).toList();
      lines.add("| " + row + " | " + String.join(" | ", cells) + " |");
    }
    return String.join(System.lineSeparator(), lines);
  }
}
