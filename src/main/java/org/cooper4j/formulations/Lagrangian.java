package org.cooper4j.formulations;

import org.cooper4j.ConstraintType;

/** L(x, λ, μ) = f(x) + λᵀg(x) + μᵀh(x). Mirrors {@code cooper.formulations.Lagrangian}. */
public final class Lagrangian extends ClosedForm {
  public Lagrangian(ConstraintType constraintType) {
    super(constraintType, Kernel.LAGRANGIAN, true, false);
  }
}
