package org.cooper4j.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * The contents of an IDX file of unsigned bytes, the format of the MNIST database: two zero bytes,
 * the element type, the number of dimensions, each dimension as a big-endian 32-bit integer, then
 * the elements in row-major order.
 *
 * <p>Files may be gzip-compressed. Their first bytes decide about that, not their name.
 */
public final class IdxFile {
  private static final int UNSIGNED_BYTE = 0x08;
  private static final int MAX_DIMENSIONS = 8;

  private final Path path;
  private final int[] shape;
  private final byte[] elements;

  private IdxFile(Path path, int[] shape, byte[] elements) {
    this.path = path;
    this.shape = shape;
    this.elements = elements;
  }

  /**
   * Reads a whole file.
   *
   * @throws IOException if the file cannot be read, is no IDX file of unsigned bytes, or holds more
   *     or fewer elements than its dimensions say
   */
  public static IdxFile read(Path path) throws IOException {
    try (InputStream in = open(path)) {
      int[] shape = readShape(path, in);
      int expected = Math.toIntExact(count(shape));
      // readNBytes allocates as bytes arrive: a header cannot claim memory that the file lacks.
      byte[] elements = in.readNBytes(expected);
      if (elements.length < expected) {
        throw malformed(path, described(shape, expected), elements.length + " (truncated)");
      }
      if (in.read() >= 0) {
        throw malformed(path, described(shape, expected), "more bytes after them");
      }
      return new IdxFile(path, shape, elements);
    } catch (ZipException | EOFException e) {
      throw new IOException(path + ": damaged gzip data (" + e.getMessage() + ")", e);
    }
  }

  private static InputStream open(Path path) throws IOException {
    InputStream in = new BufferedInputStream(Files.newInputStream(path), 1 << 16);
    try {
      in.mark(2);
      boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
      in.reset();
      return gzip ? new GZIPInputStream(in, 1 << 16) : in;
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  private static int[] readShape(Path path, InputStream in) throws IOException {
    byte[] magic = in.readNBytes(4);
    boolean isIdx =
        magic.length == 4
            && magic[0] == 0
            && magic[1] == 0
            && magic[2] == UNSIGNED_BYTE
            && magic[3] >= 1
            && magic[3] <= MAX_DIMENSIONS;
    if (!isIdx) {
      throw malformed(
          path,
          "an IDX file of unsigned bytes, whose first bytes are 00 00 08 and 1 to 8 dimensions",
          magic.length == 0 ? "an empty file" : HexFormat.ofDelimiter(" ").formatHex(magic));
    }
    byte[] header = in.readNBytes(4 * magic[3]);
    if (header.length < 4 * magic[3]) {
      throw malformed(path, magic[3] + " dimensions of 4 bytes each", header.length + " bytes");
    }
    int[] shape = new int[magic[3]];
    ByteBuffer.wrap(header).asIntBuffer().get(shape);
    if (count(shape) < 0) {
      throw malformed(path, "dimensions whose product is below 2^31", Arrays.toString(shape));
    }
    return shape;
  }

  /** The number of elements, or -1 if no array can hold them. */
  private static long count(int[] shape) {
    long count = 1;
    for (int dimension : shape) {
      count *= dimension;
      if (dimension < 0 || count > Integer.MAX_VALUE - 8) {
        return -1;
      }
    }
    return count;
  }

  private static String described(int[] shape, int count) {
    return "dimensions " + Arrays.toString(shape) + " and so " + count + " elements";
  }

  private static IOException malformed(Path path, String expected, String found) {
    return new IOException(path + ": expected " + expected + ", found " + found);
  }

  /** The file that was read. */
  public Path path() {
    return path;
  }

  /** The dimensions, outermost first. */
  public int[] shape() {
    return shape.clone();
  }

  /** The elements as unsigned bytes in row-major order. The array is shared, not copied. */
  byte[] elements() {
    return elements;
  }

  /** SHA-256 of the uncompressed file in lower-case hexadecimal digits. */
  public String sha256() {
    ByteBuffer header = ByteBuffer.allocate(4 + 4 * shape.length);
    header.putShort((short) 0).put((byte) UNSIGNED_BYTE).put((byte) shape.length);
    for (int dimension : shape) {
      header.putInt(dimension);
    }
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(header.array());
      return HexFormat.of().formatHex(digest.digest(elements));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
