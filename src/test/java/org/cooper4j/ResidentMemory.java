package org.cooper4j;

import java.util.stream.LongStream;
import org.bytedeco.javacpp.Pointer;

/** How the process's resident memory grows; not by malloc's swings, which do not come each time. */
public final class ResidentMemory {
  private static final int ROUNDS = 5;

  private ResidentMemory() {}

  /**
   * Runs the action so many times, a fifth at once; the bytes by which each fifth grew at the
   * least, times five. A leak is in all of them.
   */
  public static long growthOver(int times, Runnable action) {
    return ROUNDS
        * LongStream.range(0, ROUNDS)
            .map(
                round -> {
                  long before = Pointer.physicalBytes();
                  for (int i = 0; i < times / ROUNDS; i++) {
                    action.run();
                  }
                  return Pointer.physicalBytes() - before;
                })
            .min()
            .orElseThrow();
  }
}
