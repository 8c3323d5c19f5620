package org.cooper4j.formulations;

import org.cooper4j.ConstraintType;

/**
 * A constraint without a Lagrangian, multiplier or penalty: {@code SwitchingSubgradientOptimizer}
 * descends either the worst of these or the loss. Other optimizers refuse it.
 */
public final class Switched extends ClosedForm {
  public Switched(ConstraintType constraintType) {
    super(constraintType, Kernel.SWITCHED, false, false);
  }
}
