package org.cooper4j.training.log;

import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.cooper4j.internal.Json;

/**
 * A file of JSON lines: {@code {"step":12,"loss":0.25,"violation/norm":-0.1}}.
 *
 * <pre>{@code
 * try (var log = new JsonLog(Path.of("run", "log.jsonl"))) {
 *   log.record(step, Map.of("loss", 0.25, "violation/norm", -0.1));
 * }
 * }</pre>
 *
 * <p>JSON has no NaN or infinity; they are the strings {@code "NaN"}, {@code "Infinity"} and {@code
 * "-Infinity"}, which Python's {@code float} and JavaScript's {@code Number} take.
 *
 * <p>A line is in the file when the call returns, so that a crash leaves whole lines. A file that
 * is there is gone on with: what it has of the first recorded step and later is replaced, so that a
 * run that was resumed leaves the file of one that was not interrupted.
 */
public final class JsonLog extends FileLog {
  private static final String START = "{\"step\":";
  private static final Pattern LINE = Pattern.compile(Pattern.quote(START) + "(-?\\d{1,18})[,}].*");

  /**
   * Opens the file, or makes it with its folder.
   *
   * @throws IllegalArgumentException if the file is something else
   * @throws java.io.UncheckedIOException if it cannot be written to
   */
  public JsonLog(Path path) {
    super(path, START);
  }

  @Override
  String line(long step, Map<String, ? extends Number> values) {
    StringBuilder line = new StringBuilder(START).append(step);
    values.forEach(
        (name, value) -> Json.number(Json.text(line.append(','), name).append(':'), value));
    return line.append('}').toString();
  }

  @Override
  long stepOf(String line) {
    Matcher record = LINE.matcher(line);
    if (!record.matches()) {
      throw new IllegalArgumentException(
          path + ": a line does not begin with " + START + "STEP; name another file");
    }
    return Long.parseLong(record.group(1));
  }
}
