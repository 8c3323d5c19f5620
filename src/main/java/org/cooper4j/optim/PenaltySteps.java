package org.cooper4j.optim;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.multipliers.ExplicitMultiplier;
import org.cooper4j.penalties.PenaltyCoefficient;

/**
 * Scales every multiplier's gradient by its constraint's penalty coefficient, so that a dual SGD of
 * rate 1 makes the step of the method of multipliers, λ₊ = [λ + c g]₊ (Nocedal and Wright, 17.39):
 *
 * <pre>{@code
 * optimizer.beforeDualStep(new PenaltySteps(gamma));
 * }</pre>
 *
 * <p>With a longest step γ it is the one of the inexact augmented Lagrangian method, λ₊ = [λ +
 * min(c, γ / ‖g‖) g]₊ (Li et al., "Stochastic inexact augmented Lagrangian method for nonconvex
 * expectation constrained optimization", 2024, Algorithm 1; humancompatible-train's {@code iALM}),
 * with a {@code PenalizedLagrangian} in an {@link AlternatingDualPrimalOptimizer}, whose
 * coefficients {@code MultiplicativePenaltyCoefficientUpdater.ofEveryConstraint} multiplies with σ.
 * Constraints without a penalty coefficient keep their gradient. It keeps no state.
 */
public final class PenaltySteps implements GradientHook {
  private final double longest;

  /** Steps of any length. */
  public PenaltySteps() {
    this(Double.POSITIVE_INFINITY);
  }

  /**
   * Steps of a constraint's multipliers that are at most so long.
   *
   * @param longest γ, above 0, the Euclidean norm of what is added to the multipliers of one
   *     constraint by a rate of 1
   */
  public PenaltySteps(double longest) {
    if (!(longest > 0)) {
      throw new IllegalArgumentException("longest is " + longest + "; it must be > 0");
    }
    this.longest = longest;
  }

  @Override
  public void beforeStep(Gradients gradients) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      gradients.state().observedConstraints().forEach(this::scale);
    }
  }

  private void scale(Constraint constraint, ConstraintState state) {
    PenaltyCoefficient penalty = constraint.penaltyCoefficient().orElse(null);
    if (penalty == null
        || !(constraint.multiplier().orElse(null) instanceof ExplicitMultiplier multiplier)
        || !state.contributesToDualUpdate()
        || !multiplier.weight().grad().defined()) {
      return;
    }
    Tensor gradient = multiplier.weight().grad();
    Tensor values = gradient.is_sparse() ? gradient._values() : gradient;
    Tensor factor = penalty.forward(features(state));
    factor = factor.dim() == 0 ? factor : factor.reshape(values.shape());
    if (longest < Double.POSITIVE_INFINITY) {
      factor = factor.minimum(values.norm().reciprocal().mul(new Scalar(longest)));
    }
    values.mul_(factor);
  }

  private static Tensor features(ConstraintState state) {
    return state.strictConstraintFeatures().or(state::constraintFeatures).orElse(null);
  }
}
