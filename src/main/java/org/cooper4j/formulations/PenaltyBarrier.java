package org.cooper4j.formulations;

import org.cooper4j.ConstraintType;

/**
 * The penalty/barrier multiplier method for inequalities (Ben-Tal and Zibulevsky, SIAM J. Optim.
 * 1997; the stochastic one is humancompatible-train's {@code PBM}):
 *
 * <pre>λᵀ(c φ(g/c)),   multipliers ascend along λ (φ′(g/c) − 1)</pre>
 *
 * <p>A dual SGD with the rate 1 − γ makes of that direction the exponential average γ λ + (1 − γ) λ
 * φ′(g/c); γ = 0, the rate 1, is the original method. A multiplier of 0 stays 0: give it a lower
 * bound above that with {@code multiplier.clamp(1e-9, 100)}. Smaller coefficients are stricter,
 * other than in the rest of this package; {@code PenaltyBarrierUpdater} changes them. φ is t + t²/2
 * near the boundary and where the constraint is violated; where it is satisfied well it is a
 * barrier without the pole of an interior point method, so that infeasible points have a value.
 */
public final class PenaltyBarrier extends ClosedForm {
  /** With the quadratic-logarithmic φ: t + t²/2 for t ≥ −1/2, −log(−2t)/4 − 3/8 below. */
  public PenaltyBarrier(ConstraintType constraintType) {
    this(constraintType, Kernel.QUADRATIC_LOGARITHMIC);
  }

  private PenaltyBarrier(ConstraintType constraintType, Kernel kernel) {
    super(constraintType, kernel, true, true);
    if (constraintType == ConstraintType.EQUALITY) {
      throw new IllegalArgumentException(
          "PenaltyBarrier is for inequalities; write h(x) = 0 as |h(x)| <= a tolerance");
    }
  }

  /** With the quadratic-reciprocal φ: t + t²/2 for t ≥ −1/3, (32/27)/(1 − t) − 7/6 below. */
  public static PenaltyBarrier reciprocal(ConstraintType constraintType) {
    return new PenaltyBarrier(constraintType, Kernel.QUADRATIC_RECIPROCAL);
  }
}
