package org.cooper4j;

import org.cooper4j.internal.Native;

/**
 * How many threads LibTorch's CPU kernels use; the numbers are the process's.
 *
 * <p>At the start every roll chooses by the size of its model: one thread for fewer than 2²⁰ primal
 * parameters, for which more threads cost more than they give, else one a core. They serve matrix
 * products (OpenBLAS's pool). Element-wise work keeps to one thread, since OpenMP's pool and
 * OpenBLAS's, both spinning, would fight for the cores. {@code torch.set_num_threads(n)} with n > 1
 * gives OpenMP the threads instead; matrix products then keep to one.
 */
public final class Threads {
  private Threads() {}

  /**
   * Fixes the number of threads. Mirrors {@code torch.set_num_threads}.
   *
   * @param threads at least 1; 0 chooses by the size of the model again
   * @throws IllegalArgumentException if it is negative
   */
  public static void setNumThreads(int threads) {
    if (threads < 0) {
      throw new IllegalArgumentException(
          "the number of threads is "
              + threads
              + "; give at least 1, or 0 to choose by the size of the model");
    }
    Native.setNumThreads(threads);
  }

  /** The number that was fixed; 0 if rolls choose. */
  public static int getNumThreads() {
    return Native.numThreads();
  }
}
