package org.cooper4j.internal;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.Optimizer;

/** The values that an optimizer's next step will change: cooper4j::Snapshot. */
@Properties(inherit = Native.class)
@Namespace("cooper4j")
public final class Snapshot extends Pointer {
  static {
    Native.load();
  }

  public Snapshot(Optimizer optimizer) {
    super((Pointer) null);
    allocate(optimizer);
  }

  private native void allocate(@Const @ByRef Optimizer optimizer);

  /** Takes the step's moves back. */
  public native void restore();
}
