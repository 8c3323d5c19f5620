package org.cooper4j.training.log;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * An event file of TensorBoard: records of TFRecord's framing, each with its length and two
 * checksums. A record is written by one call, so that a reader sees all of it, and at once.
 */
final class EventFile implements AutoCloseable {
  private static final Pattern NAME = Pattern.compile("events\\.out\\.tfevents\\.(\\d{10})\\..*");
  private static final int CRC_DELTA = 0xa282ead8;

  private final Path path;
  private final FileChannel channel;

  private EventFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /**
   * Adds a file to a folder. TensorBoard reads a folder's files in the order of their names, which
   * begin with a time, so the new one's comes after all others' even if a clock went back.
   */
  static EventFile create(Path folder, long seconds) throws IOException {
    Files.createDirectories(folder);
    long time = Math.max(seconds, latest(folder) + 1);
    while (true) {
      Path path =
          folder.resolve(
              String.format(
                  "events.out.tfevents.%010d.cooper4j.%d", time, ProcessHandle.current().pid()));
      try {
        return new EventFile(
            path, FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
      } catch (FileAlreadyExistsException e) {
        time++; // another one of this process was faster
      }
    }
  }

  private static long latest(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> NAME.matcher(file.getFileName().toString()))
          .filter(Matcher::matches)
          .mapToLong(name -> Long.parseLong(name.group(1)))
          .max()
          .orElse(-1);
    }
  }

  Path path() {
    return path;
  }

  void append(byte[] event) throws IOException {
    ByteBuffer record =
        ByteBuffer.allocate(event.length + Long.BYTES + 2 * Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    record.putLong(event.length);
    record.putInt(maskedChecksum(record.array(), Long.BYTES));
    record.put(event);
    record.putInt(maskedChecksum(event, event.length));
    record.flip();
    while (record.hasRemaining()) {
      channel.write(record);
    }
  }

  /** CRC-32C as TFRecord stores it: a checksum over bytes that hold checksums would be weak. */
  private static int maskedChecksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + CRC_DELTA;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
