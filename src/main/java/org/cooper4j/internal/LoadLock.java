package org.cooper4j.internal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.bytedeco.javacpp.Loader;

/**
 * One JVM at a time loads from JavaCPP's cache: while one still unpacks a library there, another
 * that maps it dies of SIGBUS. JavaCPP locks the unpacking, not the loading of what a library
 * needs. The system releases the lock of a process that died. Where there is no such lock, on a
 * read-only cache or a file system without, loading goes on as without it.
 */
final class LoadLock implements AutoCloseable {
  private static final long RETRY_MILLIS = 20;

  private final FileChannel channel;

  private LoadLock(FileChannel channel) {
    this.channel = channel;
  }

  static LoadLock take() {
    FileChannel channel = null;
    try {
      Path file = Loader.getCacheDir().toPath().resolve(".cooper4j.lock");
      channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      lock(channel);
    } catch (IOException | RuntimeException e) {
      Log.LOGGER.debug("loading without a lock on JavaCPP's cache", e);
    }
    return new LoadLock(channel);
  }

  private static void lock(FileChannel channel) throws IOException {
    FileLock lock = null;
    while (lock == null) {
      try {
        lock = channel.lock();
      } catch (OverlappingFileLockException e) {
        pause(); // another class loader of this JVM has it
      }
    }
  }

  private static void pause() throws IOException {
    try {
      Thread.sleep(RETRY_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  @Override
  public void close() {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      Log.LOGGER.debug("the lock on JavaCPP's cache", e);
    }
  }
}
