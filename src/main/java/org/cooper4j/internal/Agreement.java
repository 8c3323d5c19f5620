package org.cooper4j.internal;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.annotation.StdString;
import org.bytedeco.pytorch.Tensor;

/** Whether all processes still have the same: cooper4j::jni::Agreement. */
@Properties(inherit = Native.class)
@Namespace("cooper4j::jni")
public final class Agreement extends Pointer {
  static {
    Native.load();
  }

  public Agreement() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  /** What belongs to a constraint, and how an error names it; before the first {@link Join}. */
  public native void add(String name, @Const @ByRef Tensor tensor);

  /** A tensor's numbers where they are few, else a checksum. */
  @Name("text_of")
  public static native @StdString String text(@Const @ByRef Tensor tensor);
}
