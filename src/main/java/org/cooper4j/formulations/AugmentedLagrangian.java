package org.cooper4j.formulations;

import org.cooper4j.ConstraintType;

/**
 * The augmented Lagrangian of Nocedal and Wright: μᵀh + ½ cᵀh² for equalities (17.36) and (relu(λ +
 * c g)² − λ²) / 2c for inequalities (17.64, 17.65), whose limit at c = 0 is λᵀg. Mirrors {@code
 * cooper.formulations.AugmentedLagrangian}, which gives NaN at c = 0.
 */
public final class AugmentedLagrangian extends ClosedForm {
  /** As Cooper's: multipliers ascend along the violation. */
  public AugmentedLagrangian(ConstraintType constraintType) {
    this(constraintType, Kernel.AUGMENTED_LAGRANGIAN);
  }

  private AugmentedLagrangian(ConstraintType constraintType, Kernel kernel) {
    super(constraintType, kernel, true, true);
  }

  /**
   * Multipliers of inequalities ascend along the augmented Lagrangian's own gradient (Rockafellar,
   * 1973), max(g, −λ/c): of a constraint that is satisfied λ shrinks by at most the share η/c of
   * itself, however far it is satisfied. It is humancompatible-train's {@code ALM} with the
   * augmentation {@code hpr}; with η = c there is no difference to Cooper's. The maximum is convex
   * in g, so that noise in g raises the multipliers a little.
   */
  public static AugmentedLagrangian bothSides(ConstraintType constraintType) {
    return new AugmentedLagrangian(constraintType, Kernel.AUGMENTED_BOTH_SIDES);
  }
}
