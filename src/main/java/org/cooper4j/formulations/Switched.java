package org.cooper4j.formulations;

import org.cooper4j.ConstraintType;

/**
 * A constraint without a Lagrangian, multiplier or penalty: {@code SwitchingSubgradientOptimizer}
 * descends either the worst of these or the loss. Other optimizers refuse it.
 */
public final class Switched extends Formulation {
  public Switched(ConstraintType constraintType) {
    super(constraintType);
  }

  @Override
  public boolean expectsMultiplier() {
    return false;
  }

  @Override
  public boolean expectsPenaltyCoefficient() {
    return false;
  }

  @Override
  public Kernel kernel() {
    return Kernel.SWITCHED;
  }
}
