package org.cooper4j.spark;

import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.Threads;
import org.cooper4j.checkpoint.RngState;

/**
 * LibTorch's number of threads and its generator, which all tasks of a JVM share. They are as
 * before when none runs any more: in local mode that is the driver's JVM, and executors may run
 * other things as well.
 */
final class Borrowed implements AutoCloseable {
  private static int tasks;
  private static Tensor generator;
  private static boolean ours; // the number of threads

  /**
   * For a task.
   *
   * @param cpus that it has, for the number of threads, unless somebody has fixed that
   * @throws LinkageError if this JVM cannot load LibTorch
   */
  Borrowed(int cpus) {
    synchronized (Borrowed.class) {
      if (tasks == 0) {
        generator = RngState.get();
        ours = Threads.getNumThreads() == 0 && System.getenv("OMP_NUM_THREADS") == null;
        if (ours) {
          Threads.setNumThreads(cpus);
        }
      }
      tasks++;
    }
  }

  /**
   * What is made of random numbers after a seed, by one task at a time: others, such as those of a
   * second training in this JVM, would draw from the same generator.
   */
  static synchronized <T> T seeded(long seed, Supplier<T> made) {
    torch.manual_seed(seed);
    return made.get();
  }

  @Override
  public void close() {
    synchronized (Borrowed.class) {
      if (--tasks == 0) {
        RngState.set(generator);
        generator.close();
        if (ours) {
          Threads.setNumThreads(0);
        }
      }
    }
  }
}
