package org.cooper4j.penalties;

import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Tensors;

/**
 * Coefficients of constraints of which each step observes a few, named by int64 indices. Mirrors
 * {@code cooper.penalty_coefficients.IndexedPenaltyCoefficient}.
 */
public final class IndexedPenaltyCoefficient extends PenaltyCoefficient {
  /** See {@link PenaltyCoefficient#init()}. */
  public IndexedPenaltyCoefficient(Tensor init) {
    super(init);
  }

  @Override
  public boolean expectsConstraintFeatures() {
    return true;
  }

  @Override
  public Tensor forward(Tensor indices) {
    boolean scalar = value().dim() == 0;
    Tensors.requireIndices(indices, scalar ? Long.MAX_VALUE : value().numel());
    return scalar ? value().clone() : value().index_select(0, indices);
  }
}
