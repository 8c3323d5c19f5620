package org.cooper4j;

import org.cooper4j.internal.Native;

/**
 * The memory of freed CPU tensors, which waits for the next tensors of its size: a step makes the
 * same ones again and again, and would else pay for their pages each time. The numbers are the
 * process's.
 */
public final class Memory {
  private Memory() {}

  /**
   * Bounds what waits.
   *
   * @param bytes beyond this the cache is emptied; 128 MB unless set, 0 keeps nothing
   * @throws IllegalArgumentException if it is negative
   */
  public static void setCpuCacheBytes(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException(
          "the CPU cache's size is " + bytes + " bytes; give at least 0, which keeps nothing");
    }
    Native.cacheCpuMemory(bytes);
  }

  /** Gives what waits back to the system. Mirrors {@code torch.cuda.empty_cache} for the CPU. */
  public static void emptyCpuCache() {
    Native.emptyCpuCache();
  }
}
