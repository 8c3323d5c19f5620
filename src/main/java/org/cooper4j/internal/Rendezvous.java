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

  public Rendezvous(
      String address,
      int port,
      int rank,
      int size,
      long timeoutMillis,
      boolean hostsStore,
      String prefix) {
    super((Pointer) null);
    allocate(address, port, rank, size, timeoutMillis, hostsStore, prefix);
  }

  private native void allocate(
      String address,
      int port,
      int rank,
      int size,
      @Cast("int64_t") long timeoutMillis,
      @Cast("bool") boolean hostsStore,
      String prefix);

  /** Of the store. */
  public native int port();
}
