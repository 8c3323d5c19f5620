package org.cooper4j.internal;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.ByVal;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.Tensor;

/** Values of all processes: cooper4j::jni::Join. */
@Properties(inherit = Native.class)
@Namespace("cooper4j::jni")
public final class Join extends Pointer {
  static {
    Native.load();
  }

  /** Compared are the processes unless the agreement is null; who asks wants all to stop. */
  public Join(
      Group group,
      Optimizers optimizers,
      Agreement agreement,
      long[] tensors,
      int[] rows,
      double weight,
      String what,
      boolean asks) {
    super((Pointer) null);
    allocate(group, optimizers, agreement, tensors, rows, rows.length, weight, what, asks);
  }

  private native void allocate(
      @ByRef Group group,
      @Const @ByRef Optimizers optimizers,
      Agreement agreement,
      @Cast("const int64_t*") long[] tensors,
      @Const int[] rows,
      int count,
      double weight,
      String what,
      @Cast("bool") boolean asks);

  /** A leaf of the gradient that {@link #gradient} takes from there. */
  public native @ByVal Tensor value(int entry);

  /** Of the process's own value; undefined if nothing is to be differentiated there. */
  public native @ByVal Tensor gradient(int entry);

  /** The samples of all. */
  public native double weight();

  /** Whether any process asks all to stop. */
  public native @Cast("bool") boolean asked();

  /** Of values that are NaN or infinite, whose they are; empty if they are nobody's. */
  @Name("not_finite")
  public native String notFinite();
}
