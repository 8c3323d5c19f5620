package org.cooper4j.formulations;

import org.cooper4j.ConstraintType;

/** L(x, λ, μ) = f(x) + λᵀg(x) + μᵀh(x). Mirrors {@code cooper.formulations.Lagrangian}. */
public final class Lagrangian extends Formulation {
  public Lagrangian(ConstraintType constraintType) {
    super(constraintType);
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
  public Kernel kernel() {
    return Kernel.LAGRANGIAN;
  }
}
