package org.cooper4j.internal;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.ByVal;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.OptimizerParamGroupVector;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

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

  /** What all of the optimizers have in all their groups. */
  public static void forEachParameter(List<Optimizer> optimizers, Consumer<Tensor> action) {
    for (Optimizer optimizer : optimizers) {
      OptimizerParamGroupVector groups = optimizer.param_groups();
      for (long g = 0; g < groups.size(); g++) {
        TensorVector parameters = groups.get(g).params();
        for (long i = 0; i < parameters.size(); i++) {
          action.accept(parameters.get(i));
        }
      }
    }
  }

  private native void allocate(@Cast("const int64_t*") long[] addresses, int primal, int count);

  /** Chooses the threads for a roll; gives how many parameters there are now. */
  public native @Cast("int64_t") long begin();

  /** Gives the thread back what a roll did not want of its threads. */
  public static native void end();

  /** How many parameters there are now. */
  public native @Cast("int64_t") long parameters();

  public native @Name("zero_grad") void zeroGrad();

  /** Throws what a side's steps would, before anything moved. */
  public native @Name("check_step") void checkStep(@Cast("bool") boolean primal);

  /** Steps a side; whether sparse gradients' rows are all that moved. */
  public native @Cast("bool") boolean step(@Cast("bool") boolean primal);

  @Name("grad_norm")
  public native @ByVal Tensor gradNorm(@Cast("bool") boolean primal, double normType);

  @Name("clip_grad_norm")
  public native @ByVal Tensor clipGradNorm(
      @Cast("bool") boolean primal,
      double maxNorm,
      double normType,
      @Cast("bool") boolean errorIfNonFinite);

  @Name("clip_grad_value")
  public native void clipGradValue(@Cast("bool") boolean primal, double clipValue);

  @Name("scale_grad")
  public native void scaleGrad(@Cast("bool") boolean primal, double factor);

  /** To the primal side. */
  public native void apply(@ByRef Envelope envelope);
}
