package org.cooper4j.internal;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByVal;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.Tensor;

/** The Lagrangian at one point: cooper4j::jni::Evaluation, which documents the arguments. */
@Properties(inherit = Native.class)
@Namespace("cooper4j::jni")
public final class Evaluation extends Pointer {
  static {
    Native.load();
  }

  public Evaluation(
      Tensor loss, long[] tensors, int[] flags, boolean primal, boolean dual, boolean backward) {
    super((Pointer) null);
    allocate(loss, tensors, flags, flags.length, primal, dual, backward);
  }

  private native void allocate(
      @Const Tensor loss,
      @Cast("const int64_t*") long[] tensors,
      @Const int[] flags,
      int count,
      @Cast("bool") boolean primal,
      @Cast("bool") boolean dual,
      @Cast("bool") boolean backward);

  public native void backward(@Cast("bool") boolean primal);

  /** Of the worst violation, if it is above the tolerance, or of the loss; whether it was that. */
  @Name("backward_switched")
  public native @Cast("bool") boolean backwardSwitched(double tolerance, double scale);

  /** Whether copies stand for values that a step would have changed. */
  public native @Cast("bool") boolean copied();

  public native @ByVal Tensor loss();

  public native @ByVal Tensor violation(int term);

  public native @Name("strict_violation") @ByVal Tensor strictViolation(int term);

  public native @ByVal Tensor lagrangian(@Cast("bool") boolean primal);

  public native @ByVal Tensor multiplier(int term, @Cast("bool") boolean primal);

  public native @ByVal Tensor penalty(int term, @Cast("bool") boolean primal);
}
