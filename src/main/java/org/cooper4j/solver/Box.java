package org.cooper4j.solver;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * lower ≤ x ≤ upper of all variables in one vector.
 *
 * @param lower [n], −∞ where there is none; null if no variable has bounds
 * @param upper likewise
 */
record Box(Tensor lower, Tensor upper) {
  boolean isWholeSpace() {
    return lower == null;
  }

  /** The nearest point within. */
  Tensor project(Tensor x) {
    return isWholeSpace() ? x : torch.minimum(torch.maximum(x, lower), upper);
  }

  /** The largest |P(x − gradient) − x|: 0 where no step downhill stays within. */
  double stationarity(Tensor x, Tensor gradient) {
    try (PointerScope temporaries = new PointerScope()) {
      Tensor step = isWholeSpace() ? gradient : project(x.sub(gradient)).sub(x);
      return step.abs().max().item_double();
    }
  }

  /**
   * 1 where a variable may move, 0 where its bound holds it against the gradient; null if all may.
   */
  Tensor free(Tensor x, Tensor gradient) {
    if (isWholeSpace()) {
      return null;
    }
    Scalar zero = new Scalar(0.0);
    Tensor held =
        x.le(lower)
            .logical_and(gradient.gt(zero))
            .logical_or(x.ge(upper).logical_and(gradient.lt(zero)));
    return held.any().item_bool() ? held.logical_not().to(x.scalar_type()) : null;
  }
}
