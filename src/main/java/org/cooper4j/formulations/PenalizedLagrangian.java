package org.cooper4j.formulations;

import org.cooper4j.ConstraintType;

/**
 * λᵀg + ½ cᵀ relu(g)² for inequalities, μᵀh + ½ cᵀh² for equalities: a {@link Lagrangian} and a
 * {@link QuadraticPenalty} in one. Of an inequality that is satisfied the whole multiplier still
 * pulls, where an {@link AugmentedLagrangian} lets go of λ + c g &lt; 0. It is the one of inexact
 * augmented Lagrangian methods such as Li et al., "Stochastic inexact augmented Lagrangian method
 * for nonconvex expectation constrained optimization", Computational Optimization and Applications
 * 2024, (1.3); see {@code PenaltySteps} for the dual half.
 */
public final class PenalizedLagrangian extends ClosedForm {
  public PenalizedLagrangian(ConstraintType constraintType) {
    super(constraintType, Kernel.PENALIZED_LAGRANGIAN, true, true);
  }
}
