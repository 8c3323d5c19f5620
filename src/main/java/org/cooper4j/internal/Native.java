package org.cooper4j.internal;

import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.ByVal;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.annotation.Raw;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.OptimizerOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/** The functions of the native layer; native/src/jni/bridge.h documents them. */
@Properties(
    @Platform(
        include = {
          "exceptions.h",
          "bridge.h",
          "process_group.h",
          "interrupts.h",
          "document.h",
          "java_log.h",
          "memory_watch.h",
          "cooper4j/optim/adam.h",
          "cooper4j/optim/extragradient.h",
          "cooper4j/optim/moreau.h",
          "cooper4j/optim/nupi.h",
          "cooper4j/optim/snapshot.h"
        },
        library = "jnicooper4j"))
@Namespace("cooper4j::jni")
public final class Native {
  private static final long CPU_CACHE_BYTES = 128L << 20;

  static {
    // LibTorch first: the binding's libraries then resolve to the copies already loaded.
    boolean idleThreadsSleep = NativeLibrary.load();
    if (Log.LOGGER.isDebugEnabled()) {
      LoadedLibraries.log();
      logToJava();
    }
    watchMemory();
    cacheCpuMemory(CPU_CACHE_BYTES);
    initThreads(Runtime.getRuntime().availableProcessors(), idleThreadsSleep);
  }

  private Native() {}

  /** Does nothing but trigger the loading. */
  public static void load() {}

  /** Arguments ended by NUL, one after another. */
  public static int runCommand(byte[] arguments) {
    return runCommand(arguments, arguments.length);
  }

  @Name("run_command")
  private static native int runCommand(@Cast("const char*") byte[] arguments, long n);

  @Name("watch_memory")
  @Raw(withEnv = true)
  private static native void watchMemory();

  @Name("log_to_java")
  @Raw(withEnv = true)
  private static native void logToJava();

  /** Lets waits for other processes end with the waiting thread's interrupts. */
  @Name("see_interrupts")
  @Raw(withEnv = true)
  static native void seeInterrupts();

  /** What the native layer says. */
  @SuppressWarnings("UnusedMethod") // native/src/jni/java_log.h calls it
  private static void log(String line) {
    Log.LOGGER.debug(line);
  }

  @Name("cache_cpu_memory")
  public static native void cacheCpuMemory(@Cast("int64_t") long bytes);

  @Name("empty_cpu_cache")
  public static native void emptyCpuCache();

  @Name("init_threads")
  private static native void initThreads(int cores, @Cast("bool") boolean idleThreadsSleep);

  @Name("set_num_threads")
  public static native void setNumThreads(int threads);

  @Name("num_threads")
  public static native int numThreads();

  @Name("read_values")
  static native @Cast("int64_t") long readValues(
      @Const Evaluation primal,
      @Const Evaluation dual,
      @Cast("const int64_t*") long[] tensors,
      int count,
      @Cast("int64_t") long most,
      @Cast("int64_t*") long[] counts,
      double[] values,
      @Cast("int64_t") long capacity);

  public static native void backward(
      @Cast("const int64_t*") long[] roots, @Cast("const int64_t*") long[] gradients, int count);

  /** One step of one optimizer, as rolls make it; see {@link Optimizers} for all of them. */
  public static native @Cast("bool") boolean step(@ByRef Optimizer optimizer);

  @Name("takes_no_sparse_gradient")
  public static native @Cast("bool") boolean takesNoSparseGradient(
      @Const @ByRef Optimizer optimizer);

  @Name("set_lr")
  public static native void setLr(@ByRef Optimizer optimizer, int group, double lr);

  @Name("initial_lr")
  public static native double initialLr(@ByRef Optimizer optimizer, int group);

  public static native double cos(double x);

  public static native double pow(double x, double y);

  @Name("project_non_negative")
  public static native void projectNonNegative(@Const @ByRef Tensor weight);

  @Name("project_gradient_rows")
  public static native void projectGradientRows(@Const @ByRef Tensor weight);

  /** value − bound, as a violation. */
  public static native @ByVal Tensor above(@Const @ByRef Tensor value, double bound);

  /** bound − value, as a violation. */
  public static native @ByVal Tensor below(@Const @ByRef Tensor value, double bound);

  @Name("update_penalty")
  public static native void updatePenalty(
      @Const @ByRef Tensor value,
      @Const @ByRef Tensor init,
      @Const @ByRef Tensor violation,
      @Const Tensor indices,
      @Cast("bool") boolean inequality,
      double leak,
      double tolerance,
      double factor,
      double summand,
      double maximum);

  /** The arguments that may be null are @Const alone. */
  @Name("tally_sums")
  public static native @ByVal Tensor tallySums(
      @Const @ByRef Tensor x,
      int input,
      @Const Tensor truth,
      @Const Tensor weights,
      @Const Tensor groups,
      @Cast("int64_t") long size,
      double[] tally);

  @Name("tally_quotients")
  public static native @ByVal Tensor tallyQuotients(
      @Const @ByRef Tensor x,
      int input,
      @Const Tensor truth,
      @Const Tensor weights,
      @Const Tensor groups,
      @Cast("int64_t") long size,
      double[] tally,
      @Cast("bool") boolean float64);

  @Name("binary_labels")
  public static native @ByVal Tensor binaryLabels(@Const @ByRef Tensor labels);

  @Name("group_codes")
  public static native @ByVal Tensor groupCodes(
      @Const @ByRef Tensor codes, @Cast("int64_t") long size);

  @Name("has_nan")
  public static native @Cast("bool") boolean hasNan(@Const @ByRef Tensor scores);

  @Name("update_barrier_penalty")
  public static native void updateBarrierPenalty(
      @Const @ByRef Tensor value,
      @Const @ByRef Tensor multiplier,
      @Const @ByRef Tensor violation,
      @Const Tensor indices,
      int formulation,
      int rule,
      double factor,
      double delta,
      double lower,
      double upper);

  /** λ ← min(max((1 − leak) λ, lower), upper), of all or of the sparse gradient's rows. */
  public static native void bound(
      @Const @ByRef Tensor weight,
      double lower,
      double upper,
      double leak,
      @Cast("bool") boolean gradientRowsOnly);

  /** Brings a leaf's values into a range. */
  public static void clamp(Tensor weight, double lower, double upper) {
    bound(weight, lower, upper, 0, false);
  }

  @Name("add_param_group")
  public static native void addParamGroup(
      @ByRef Optimizer optimizer,
      @Const @ByRef TensorVector params,
      @Const @ByRef OptimizerOptions options);
}
