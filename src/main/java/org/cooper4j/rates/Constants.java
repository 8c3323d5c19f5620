package org.cooper4j.rates;

import org.bytedeco.pytorch.Scalar;
import org.cooper4j.internal.Tensors;

/** Numbers that every evaluation needs, made once; they outlive any PointerScope. */
final class Constants {
  static final Scalar ZERO = Tensors.keep(new Scalar(0.0));
  static final Scalar HALF = Tensors.keep(new Scalar(0.5));
  static final Scalar ONE = Tensors.keep(new Scalar(1.0));
  static final Scalar TINY = Tensors.keep(new Scalar(1e-30)); // a float32, too, and not 0
  static final Scalar NEXT = Tensors.keep(new Scalar(1L)); // for int64, which ONE would make float
  static final Scalar NAN = Tensors.keep(new Scalar(Double.NaN));

  private Constants() {}
}
