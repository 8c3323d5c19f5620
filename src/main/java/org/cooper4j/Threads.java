package org.cooper4j;

import org.cooper4j.internal.Native;

/**
 * How many threads LibTorch's CPU kernels use; the numbers are the process's.
 *
 * <p>Unless a number is fixed, a roll has all cores: for convolutions, attention, normalisations
 * and element-wise work (OpenMP's pool), and in models of 2¹⁹ primal parameters and more for matrix
 * products (OpenBLAS's pool); after a step whose tensors have at most 2¹⁵ elements each, one.
 * Threads that train at a time share the cores. {@code OMP_NUM_THREADS}, {@code
 * OPENBLAS_NUM_THREADS} and {@code torch.set_num_threads(n)} (OpenMP's pool) win over that.
 *
 * <p>This holds if cooper4j loads LibTorch, so use a class of it before the first tensor; otherwise
 * OpenMP's pool keeps to one thread, and a warning of SLF4J's logger {@code org.cooper4j} says so.
 */
public final class Threads {
  private Threads() {}

  /**
   * Fixes the number of threads of both pools. Mirrors {@code torch.set_num_threads}.
   *
   * @param threads at least 1; 0 chooses again
   * @throws IllegalArgumentException if it is negative
   */
  public static void setNumThreads(int threads) {
    if (threads < 0) {
      throw new IllegalArgumentException(
          "the number of threads is " + threads + "; give at least 1, or 0 to let rolls choose");
    }
    Native.setNumThreads(threads);
  }

  /** The number that was fixed; 0 if rolls choose. */
  public static int getNumThreads() {
    return Native.numThreads();
  }
}
