package org.cooper4j.formulations;

import org.cooper4j.ConstraintType;

/**
 * f(x) + ½ cᵀ relu(g(x))² + ½ cᵀ h(x)² (Nocedal and Wright, 17.7). Has no dual variables. Mirrors
 * {@code cooper.formulations.QuadraticPenalty}.
 */
public final class QuadraticPenalty extends ClosedForm {
  public QuadraticPenalty(ConstraintType constraintType) {
    super(constraintType, Kernel.QUADRATIC_PENALTY, false, true);
  }
}
