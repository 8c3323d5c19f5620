package org.cooper4j.training.log;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** A log that is a text file of a line a record. */
abstract sealed class FileLog extends TrainingLog permits CsvLog, JsonLog {
  final Path path;
  final RecordFile file;
  private boolean started;

  /**
   * @param start what such a file begins with
   */
  FileLog(Path path, String start) {
    super(path);
    this.path = path;
    file = io(() -> new RecordFile(path, start));
  }

  /** The file. */
  @Override
  public final Set<Path> claims() {
    return Set.of(path);
  }

  @Override
  final void write(long step, Map<String, ? extends Number> values) throws IOException {
    if (!started) {
      file.goOnAt(step, this::stepOf);
      started = true;
    }
    file.append(line(step, values));
  }

  /** The record's line, without its end. */
  abstract String line(long step, Map<String, ? extends Number> values) throws IOException;

  /**
   * The step of a line that is in the file already.
   *
   * @throws IllegalArgumentException if it has none
   */
  abstract long stepOf(String line);

  @Override
  final void finish() throws IOException {
    file.close();
  }
}
