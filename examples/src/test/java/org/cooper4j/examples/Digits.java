package org.cooper4j.examples;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Makes small data sets of MNIST's layout. */
final class Digits {
  private Digits() {}

  static void write(Path folder, int train, int test) throws IOException {
    Random random = new Random(0);
    write(folder, "train", train, random);
    write(folder, "t10k", test, random);
  }

  private static void write(Path folder, String set, int count, Random random) throws IOException {
    byte[] pixels = new byte[count * 28 * 28];
    random.nextBytes(pixels);
    byte[] labels = new byte[count];
    for (int i = 0; i < count; i++) {
      labels[i] = (byte) random.nextInt(10);
    }
    Files.write(folder.resolve(set + "-images-idx3-ubyte"), idx(pixels, count, 28, 28));
    Files.write(folder.resolve(set + "-labels-idx1-ubyte"), idx(labels, count));
  }

  private static byte[] idx(byte[] elements, int... shape) {
    ByteBuffer bytes = ByteBuffer.allocate(4 + 4 * shape.length + elements.length);
    bytes.putShort((short) 0).put((byte) 8).put((byte) shape.length);
    for (int dimension : shape) {
      bytes.putInt(dimension);
    }
    return bytes.put(elements).array();
  }
}
