package org.cooper4j.internal;

import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.Optimizer;

/**
 * The LibTorch optimizers of both sides, for what a roll does to all of them:
 * cooper4j::jni::Optimizers. The caller sees to it that none of them is gone.
 */
@Properties(inherit = Native.class)
@Namespace("cooper4j::jni")
public final class Optimizers extends Pointer {
  static {
    Native.load();
  }

  public Optimizers(List<Optimizer> primal, List<Optimizer> dual) {
    super((Pointer) null);
    long[] addresses =
        Stream.concat(primal.stream(), dual.stream()).mapToLong(Pointer::address).toArray();
    allocate(addresses, primal.size(), addresses.length);
  }

  private native void allocate(@Cast("const int64_t*") long[] addresses, int primal, int count);

  /** Chooses the threads for a roll; gives how many parameters there are now. */
  public native @Cast("int64_t") long begin();

  /** How many parameters there are now. */
  public native @Cast("int64_t") long parameters();

  public native @Name("zero_grad") void zeroGrad();

  /** Throws what a side's steps would, before anything moved. */
  public native @Name("check_step") void checkStep(@Cast("bool") boolean primal);

  /** Steps a side; whether sparse gradients' rows are all that moved. */
  public native @Cast("bool") boolean step(@Cast("bool") boolean primal);
}
