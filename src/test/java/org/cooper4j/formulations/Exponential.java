package org.cooper4j.formulations;

import org.bytedeco.pytorch.Tensor;
import org.cooper4j.ConstraintType;

/** A formulation of one's own, λᵀ(eᵍ − 1): the exponential multiplier method's share. */
public final class Exponential extends Formulation {
  /** See {@link Formulation}. */
  public Exponential(ConstraintType type) {
    super(type);
  }

  @Override
  public boolean expectsMultiplier() {
    return true;
  }

  @Override
  public boolean expectsPenaltyCoefficient() {
    return false;
  }

  @Override
  public Tensor primalContribution(Tensor violation, Tensor multiplierValue, Tensor penaltyValue) {
    return multiplierValue.mul(violation.expm1()).sum();
  }
}
