package org.cooper4j.training.log;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A CSV file by RFC 4180 (with plain line feeds): a header {@code step,loss,violation/norm}, then a
 * row a record.
 *
 * <pre>{@code
 * try (var log = new CsvLog(Path.of("run", "log.csv"))) {
 *   log.record(step, Map.of("loss", 0.25, "violation/norm", -0.1));
 * }
 * }</pre>
 *
 * <p>Columns are in the order in which their names came. A name that comes later, such as that of a
 * validation, gets a column at the end, for which the file is written anew once; a row has nothing
 * where its record had no such name. Numbers are Java's, {@code NaN} and {@code Infinity} included,
 * which Python and R read.
 *
 * <p>A row is in the file when the call returns, so that a crash leaves whole rows. A file that is
 * there is gone on with: what it has of the first recorded step and later is replaced, so that a
 * run that was resumed leaves the file of one that was not interrupted.
 */
public final class CsvLog extends FileLog {
  private static final String START = "step";
  private static final Pattern CELL = Pattern.compile(",(\"(?:[^\"]|\"\")*\"|[^,\"]*)");

  private final List<String> columns = new ArrayList<>();

  /**
   * Opens the file, or makes it with its folder.
   *
   * @throws IllegalArgumentException if the file is something else
   * @throws java.io.UncheckedIOException if it cannot be written to
   */
  public CsvLog(Path path) {
    super(path, START);
  }

  @Override
  String line(long step, Map<String, ? extends Number> values) throws IOException {
    Map<String, Number> cells = new LinkedHashMap<>();
    values.forEach((name, value) -> cells.put(cell(name), value));
    addColumns(cells.keySet().stream().filter(name -> !columns.contains(name)).toList());
    StringBuilder row = new StringBuilder().append(step);
    for (String column : columns) {
      Number value = cells.get(column);
      row.append(',').append(value == null ? "" : value.toString());
    }
    return row.toString();
  }

  private void addColumns(List<String> names) throws IOException {
    boolean first = file.isEmpty();
    if (names.isEmpty() && !first) {
      return;
    }
    columns.addAll(names);
    StringBuilder joined = new StringBuilder(START);
    columns.forEach(column -> joined.append(',').append(column));
    String header = joined.toString();
    if (first) {
      file.append(header);
    } else {
      String nothing = ",".repeat(names.size());
      file.rewrite(line -> line.startsWith(START) ? header : line + nothing);
    }
  }

  /** A name as it stands in the header, in one line. */
  private static String cell(String name) {
    String line = name.replaceAll("\\p{Cntrl}", " ");
    return line.matches("[^,\"]*") ? line : '"' + line.replace("\"", "\"\"") + '"';
  }

  @Override
  long stepOf(String line) {
    if (line.startsWith(START)) {
      Matcher cell = CELL.matcher(line);
      columns.clear();
      for (int end = START.length(); cell.find(end) && cell.start() == end; end = cell.end()) {
        columns.add(cell.group(1));
      }
      return Long.MIN_VALUE;
    }
    try {
      return Long.parseLong(line.substring(0, line.indexOf(',')));
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      throw new IllegalArgumentException(
          path + ": a row does not begin with a step; name another file", e);
    }
  }
}
