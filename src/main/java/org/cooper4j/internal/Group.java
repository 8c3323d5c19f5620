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

/** Connected processes: cooper4j::jni::ProcessGroup, which documents the methods. */
@Properties(inherit = Native.class)
@Namespace("cooper4j::jni")
@Name("ProcessGroup")
public final class Group extends Pointer {
  static {
    Native.load();
    Native.seeInterrupts();
  }

  /** By the environment. */
  public Group(long timeoutMillis) {
    super((Pointer) null);
    allocate(timeoutMillis);
  }

  public Group(Rendezvous rendezvous) {
    super((Pointer) null);
    allocate(rendezvous);
  }

  /** Of native addresses. */
  public Group(long backend, long store, long timeoutMillis) {
    super((Pointer) null);
    allocate(backend, store, timeoutMillis);
  }

  private native void allocate(@Cast("int64_t") long timeoutMillis);

  private native void allocate(@Const @ByRef Rendezvous rendezvous);

  private native void allocate(
      @Cast("int64_t") long backend,
      @Cast("int64_t") long store,
      @Cast("int64_t") long timeoutMillis);

  public native int rank();

  public native int size();

  public native @Cast("bool") boolean connected();

  public native @ByVal Tensor sum(@Const @ByRef Tensor tensor);

  public native @Name("all_gather") @ByVal Tensor allGather(@Const @ByRef Tensor rows);

  public native void broadcast(@Cast("const int64_t*") long[] tensors, int count, int root);

  public native void barrier(@Cast("int64_t") long timeoutMillis);

  public native void agree(String text);

  public native void compare(String text);

  public native void fail(String reason);

  public native @Name("close") void end();

  @Name("start_sums")
  public native void startSums();

  @Name("stop_sums")
  public native void stopSums();

  public native void backward(
      @Cast("const int64_t*") long[] roots, @Cast("const int64_t*") long[] gradients, int count);
}
