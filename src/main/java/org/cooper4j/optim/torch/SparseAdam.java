package org.cooper4j.optim.torch;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.ByVal;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.internal.Native;

/**
 * Adam for sparse gradients, of an {@code IndexedMultiplier} or an embedding: the rows that a
 * gradient names move, the others keep their values and moments. Mirrors {@code
 * torch.optim.SparseAdam}; LibTorch's C++ API has none. There is no {@code maximize}, since the
 * gradients of dual parameters are negated.
 */
@Properties(inherit = Native.class)
@Namespace("cooper4j")
public final class SparseAdam extends Optimizer {
  static {
    Native.load();
  }

  /**
   * An optimizer of one parameter group.
   *
   * @throws IllegalArgumentException if an option is out of range; it says which
   */
  public SparseAdam(TensorVector params, SparseAdamOptions options) {
    super((Pointer) null);
    allocate(params, options);
  }

  private native void allocate(@ByVal TensorVector params, @Const @ByRef SparseAdamOptions options);

  /** Adds a parameter group with options of its own. */
  public void addParamGroup(TensorVector params, SparseAdamOptions options) {
    Native.addParamGroup(this, params, options);
  }

  /**
   * Updates the parameters from their gradients.
   *
   * @return undefined; there is no closure to evaluate
   * @throws IllegalArgumentException if a gradient is dense: it names the parameter; nothing was
   *     changed
   */
  @Override
  public native @ByVal Tensor step();
}
