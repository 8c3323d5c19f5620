package org.cooper4j.training.log;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.function.ToLongFunction;
import java.util.function.UnaryOperator;

/**
 * A text file of a line a record, in the order of steps. A line is written by one call, with its
 * end; a part of one that a crash left is cut off by the next run.
 */
final class RecordFile implements AutoCloseable {
  private final Path path;
  private FileChannel channel;

  /**
   * Opens the file, or makes it with its folder.
   *
   * @param start what the file begins with unless it is empty
   * @throws IllegalArgumentException if it begins with something else
   */
  RecordFile(Path path, String start) throws IOException {
    this.path = path;
    Files.createDirectories(path.toAbsolutePath().getParent());
    channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try (InputStream in = Files.newInputStream(path)) {
      byte[] found = in.readNBytes(start.length());
      if (!start.startsWith(new String(found, StandardCharsets.ISO_8859_1))) {
        channel.close();
        throw new IllegalArgumentException(
            path
                + ": no log of this kind, as it does not begin with "
                + start
                + "; name another file");
      }
    }
  }

  /** Cuts off the first line whose step is not below the given one, and all that follows. */
  void goOnAt(long step, ToLongFunction<String> stepOf) throws IOException {
    long kept = 0;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(path))) {
      for (byte[] line = readLine(in); line != null; line = readLine(in)) {
        if (stepOf.applyAsLong(new String(line, StandardCharsets.UTF_8)) >= step) {
          break;
        }
        kept += line.length + 1;
      }
    }
    channel.truncate(kept);
    channel.position(kept);
  }

  /** A line without its end; null where no whole line follows. */
  private static byte[] readLine(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = in.read(); next >= 0; next = in.read()) {
      if (next == '\n') {
        return line.toByteArray();
      }
      line.write(next);
    }
    return null;
  }

  void append(String line) throws IOException {
    ByteBuffer bytes = StandardCharsets.UTF_8.encode(line + "\n");
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  boolean isEmpty() throws IOException {
    return channel.size() == 0;
  }

  /** Changes every line, in a file that then takes this one's place. */
  void rewrite(UnaryOperator<String> change) throws IOException {
    Path changed = path.resolveSibling(path.getFileName() + ".part");
    try (BufferedReader in = Files.newBufferedReader(path);
        BufferedWriter out = Files.newBufferedWriter(changed)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        out.write(change.apply(line));
        out.write('\n');
      }
    }
    channel.close();
    Files.move(changed, path, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    channel = FileChannel.open(path, StandardOpenOption.WRITE);
    channel.position(channel.size());
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
