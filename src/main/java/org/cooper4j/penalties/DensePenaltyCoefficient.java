package org.cooper4j.penalties;

import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Tensors;

/**
 * Coefficients of constraints that are all observed at every step, or one for all of them. Mirrors
 * {@code cooper.penalty_coefficients.DensePenaltyCoefficient}.
 */
public final class DensePenaltyCoefficient extends PenaltyCoefficient {
  /** See {@link PenaltyCoefficient#init()}. */
  public DensePenaltyCoefficient(Tensor init) {
    super(init);
  }

  /** One float32 coefficient for all constraints. */
  public DensePenaltyCoefficient(double init) {
    super(Tensors.scalar(init));
  }

  @Override
  public boolean expectsConstraintFeatures() {
    return false;
  }

  @Override
  public Tensor forward(Tensor indices) {
    return value().clone();
  }
}
