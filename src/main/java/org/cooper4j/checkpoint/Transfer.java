package org.cooper4j.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import org.cooper4j.internal.Document;

/** Files that the native layer cannot open itself, to and from it piece by piece. */
final class Transfer {
  private static final int PIECE = 1 << 20;

  private Transfer() {}

  /** Fills a document from a file. */
  @FunctionalInterface
  interface Load {
    void run(Document document) throws IOException;
  }

  /** Writes what is below a node. */
  @FunctionalInterface
  interface Save {
    void run(Document document, int root) throws IOException;
  }

  /** Whether the native layer can open it: not in a zip, in memory, or in an object store. */
  static boolean isNative(Path path) {
    return path.getFileSystem() == FileSystems.getDefault();
  }

  static void feed(Document document, InputStream in) throws IOException {
    byte[] piece = new byte[PIECE];
    for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
      document.feed(piece, count);
    }
  }

  static void feed(Document document, Path path) throws IOException {
    try (InputStream in = Files.newInputStream(path)) {
      feed(document, in);
    }
  }

  /** From the buffer's position to its limit, which stay. */
  static void feed(Document document, ByteBuffer buffer) {
    ByteBuffer rest = buffer.duplicate();
    byte[] piece = new byte[Math.min(PIECE, rest.remaining())];
    while (rest.hasRemaining()) {
      int count = Math.min(piece.length, rest.remaining());
      rest.get(piece, 0, count);
      document.feed(piece, count);
    }
  }

  static void drain(Document document, OutputStream out) throws IOException {
    byte[] piece = new byte[PIECE];
    for (long count = document.drain(piece); count > 0; count = document.drain(piece)) {
      out.write(piece, 0, (int) count);
    }
  }

  /** Beside the target first, so that a crash leaves the old file or the new one. */
  static void drain(Document document, Path path) throws IOException {
    Path beside = path.resolveSibling("." + path.getFileName() + "." + UUID.randomUUID());
    try {
      try (OutputStream out = Files.newOutputStream(beside, StandardOpenOption.CREATE_NEW)) {
        drain(document, out);
      }
      Files.move(beside, path, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(beside);
    }
  }
}
