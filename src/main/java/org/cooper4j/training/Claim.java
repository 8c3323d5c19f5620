package org.cooper4j.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.cooper4j.internal.Log;

/**
 * A file or folder that a running training writes to, which no other one may meanwhile, of this JVM
 * or another one. It is a hidden file beside the file, or in the folder, that is locked and, at the
 * end, deleted; the lock of a process that is killed ends with it.
 */
final class Claim {
  private final Path lockFile;
  private final FileChannel channel;

  private Claim(Path lockFile, FileChannel channel) {
    this.lockFile = lockFile;
    this.channel = channel;
  }

  /**
   * Takes a file, whose folder is made, or a folder that is there.
   *
   * @throws IllegalStateException if it is taken
   * @throws UncheckedIOException if nothing can be written there
   */
  static Claim take(Path path) {
    try {
      Path place = place(path);
      Path lockFile =
          Files.isDirectory(place)
              ? place.resolve(".lock")
              : place.resolveSibling("." + place.getFileName() + ".lock");
      Files.createDirectories(lockFile.getParent());
      FileChannel channel =
          FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (!isLocked(channel)) {
        channel.close();
        throw new IllegalStateException(
            path + ": a training that runs writes there already; give each one a place of its own");
      }
      return new Claim(lockFile, channel);
    } catch (IOException e) {
      throw new UncheckedIOException(
          path + ": nothing can be written there: " + e + "; give another place", e);
    }
  }

  /** The path by which all spellings and links of it are one. */
  static Path place(Path path) {
    try {
      return path.toRealPath();
    } catch (IOException e) { // it will be made
      Path absolute = path.toAbsolutePath().normalize();
      Path parent = absolute.getParent();
      return parent == null ? absolute : place(parent).resolve(absolute.getFileName());
    }
  }

  private static boolean isLocked(FileChannel channel) {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false;
    } catch (IOException e) {
      Log.LOGGER.debug("a file system without locks does not tell of other trainings", e);
      return true;
    }
  }

  void giveBack() {
    try (channel) {
      Files.deleteIfExists(lockFile);
    } catch (IOException e) {
      Log.LOGGER.debug("a lock's file stays", e);
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
          folder + ": nothing can be written there: " + e + "; give another folder", e);
    }
  }
}
