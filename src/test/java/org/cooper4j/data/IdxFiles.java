package org.cooper4j.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

/** Makes small IDX files. */
final class IdxFiles {
  private IdxFiles() {}

  static byte[] idx(byte[] elements, int... shape) {
    ByteBuffer bytes = ByteBuffer.allocate(4 + 4 * shape.length + elements.length);
    bytes.putShort((short) 0).put((byte) 8).put((byte) shape.length);
    for (int dimension : shape) {
      bytes.putInt(dimension);
    }
    return bytes.put(elements).array();
  }

  static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(packed)) {
      out.write(bytes);
    }
    return packed.toByteArray();
  }

  /** Images whose pixels count 0, 1, …, 255, 0, … and labels that count 0, 1, …, 9, 0, …. */
  static void writeCounting(Path folder, String set, int count) throws IOException {
    byte[] pixels = new byte[count * 28 * 28];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) i;
    }
    byte[] labels = new byte[count];
    for (int i = 0; i < count; i++) {
      labels[i] = (byte) (i % 10);
    }
    Files.write(folder.resolve(set + "-images-idx3-ubyte"), idx(pixels, count, 28, 28));
    Files.write(folder.resolve(set + "-labels.idx1-ubyte"), gzip(idx(labels, count)));
  }
}
