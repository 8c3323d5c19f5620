package org.cooper4j.formulations;

import org.cooper4j.ConstraintType;

/**
 * The augmented Lagrangian of Nocedal and Wright: μᵀh + ½ cᵀh² for equalities (17.36) and (relu(λ +
 * c g)² − λ²) / 2c for inequalities (17.64, 17.65), whose limit at c = 0 is λᵀg. Mirrors {@code
 * cooper.formulations.AugmentedLagrangian}, which gives NaN at c = 0.
 */
public final class AugmentedLagrangian extends Formulation {
  public AugmentedLagrangian(ConstraintType constraintType) {
    super(constraintType);
  }

  @Override
  public boolean expectsMultiplier() {
    return true;
  }

  @Override
  public boolean expectsPenaltyCoefficient() {
    return true;
  }

  @Override
  public Kernel kernel() {
    return Kernel.AUGMENTED_LAGRANGIAN;
  }
}
