package org.cooper4j.internal;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;

/** A store that is open: cooper4j::jni::Rendezvous. */
@Properties(inherit = Native.class)
@Namespace("cooper4j::jni")
public final class Rendezvous extends Pointer {
  static {
    Native.load();
  }

  public Rendezvous(String address, int port, int rank, int size, long timeoutMillis) {
    super((Pointer) null);
    allocate(address, port, rank, size, timeoutMillis);
  }

  private native void allocate(
      String address, int port, int rank, int size, @Cast("int64_t") long timeoutMillis);

  /** Of the store. */
  public native int port();
}
