package org.cooper4j.internal;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.pytorch.TensorVector;

/** The centres of a Moreau envelope: cooper4j::MoreauEnvelope. */
@Properties(inherit = Native.class)
@Namespace("cooper4j")
@Name("MoreauEnvelope")
public final class Envelope extends Pointer {
  static {
    Native.load();
  }

  public Envelope(double mu, double beta, long period) {
    super((Pointer) null);
    allocate(mu, beta, period);
    retainReference(); // it outlives the scope it was made in, as the hook does
  }

  private native void allocate(double mu, double beta, @Cast("int64_t") long period);

  public native @Const @ByRef TensorVector centers();

  public native @Cast("int64_t") long count();

  public native void restore(@Const @ByRef TensorVector centers, @Cast("int64_t") long count);
}
