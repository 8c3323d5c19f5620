package org.cooper4j.internal;

import java.util.List;

/**
 * OpenMP's wait policy, which its library reads from the environment when LibTorch loads it: unless
 * the user says otherwise, idle threads are to sleep, since they would spin against OpenBLAS's.
 * native/src/preload/openmp.cc has the functions.
 */
final class OpenMp {
  /** The user's: with one of them there is nothing to say. */
  private static final List<String> SETTINGS =
      List.of("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME");

  /** For other class loaders, which find OpenMP loaded. */
  private static final String SLEEPS = "org.cooper4j.openmp.sleeps";

  private OpenMp() {}

  /**
   * Loads LibTorch.
   *
   * @param preload loads the library with this class's functions
   * @return whether idle threads sleep by what was done here
   */
  static boolean load(Runnable preload, Runnable libTorch) {
    boolean changed = prepare(preload);
    try {
      libTorch.run();
    } finally {
      if (changed) {
        restore(); // child processes are to have the user's environment
        System.setProperty(SLEEPS, "true");
      }
    }
    return Boolean.getBoolean(SLEEPS);
  }

  private static boolean prepare(Runnable preload) {
    try {
      preload.run();
    } catch (LinkageError | RuntimeException e) {
      Log.LOGGER.warn("OpenMP keeps to one thread: {}", e.toString());
      return false;
    }
    if (!isLoaded()) {
      return sleepWhenIdle();
    }
    if (!Boolean.getBoolean(SLEEPS)
        && Runtime.getRuntime().availableProcessors() > 1
        && !"1".equals(System.getenv("OMP_NUM_THREADS"))
        && SETTINGS.stream().allMatch(name -> System.getenv(name) == null)) {
      Log.LOGGER.warn(
          "LibTorch was loaded before cooper4j: convolutions, attention and element-wise work keep"
              + " to one thread. Use cooper4j before the first tensor (Threads.setNumThreads(0) is"
              + " enough), or set OMP_WAIT_POLICY=passive; see docs/troubleshooting.md#libtorch-first");
    }
    return false;
  }

  private static native boolean isLoaded();

  private static native boolean sleepWhenIdle();

  private static native void restore();
}
