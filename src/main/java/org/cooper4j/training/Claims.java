package org.cooper4j.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/** What a running training writes to, which no other one of this JVM may meanwhile. */
final class Claims {
  private static final Set<Path> CLAIMED = new HashSet<>();

  private Claims() {}

  /**
   * Takes a file or folder.
   *
   * @return by what it is given back
   * @throws IllegalStateException if it is taken
   */
  static Path take(Path path) {
    Path real = path.toAbsolutePath().normalize();
    synchronized (CLAIMED) {
      if (!CLAIMED.add(real)) {
        throw new IllegalStateException(
            path + ": a training that runs saves there already; give each one a place of its own");
      }
    }
    return real;
  }

  static void giveBack(Path claim) {
    synchronized (CLAIMED) {
      CLAIMED.remove(claim);
    }
  }

  /**
   * Makes a folder, and sees whether files can be made there, which permissions alone do not tell.
   *
   * @throws UncheckedIOException if not
   */
  static void requireWritable(Path folder) {
    try {
      Files.createDirectories(folder);
      Files.delete(Files.createTempFile(folder, ".writable", ""));
    } catch (IOException e) {
      throw new UncheckedIOException(
          folder + ": no checkpoint can be written there: " + e + "; give another folder", e);
    }
  }
}
