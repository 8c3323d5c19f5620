package org.cooper4j.internal;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;

/** Adds up the primal variables' gradients of all processes: cooper4j::jni::GradientSums. */
@Properties(inherit = Native.class)
@Namespace("cooper4j::jni")
public final class GradientSums extends Pointer {
  static {
    Native.load();
  }

  public GradientSums() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native void sum(@ByRef Group group, @Const @ByRef Optimizers optimizers);
}
