package org.cooper4j.formulations;

import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.Multiplier;
import org.cooper4j.penalties.PenaltyCoefficient;

/**
 * How a constraint enters the primal Lagrangian. Mirrors {@code cooper.formulations.Formulation}.
 *
 * <p>To add one of your own, extend this class and override {@link #primalContribution}; its
 * gradient with respect to the primal variables comes from autograd. Every formulation with a
 * multiplier shares the dual Lagrangian λᵀg(x), whose gradient is the strict violation; where the
 * multipliers ascend along something else, the formulation says so.
 */
public abstract class Formulation {
  /** Where the gradient of the primal Lagrangian is computed. */
  public enum Kernel {
    /** λᵀg, natively in closed form. */
    LAGRANGIAN,
    /** ½ cᵀ relu(g)² or ½ cᵀ h², natively in closed form. */
    QUADRATIC_PENALTY,
    /** The augmented Lagrangian, natively in closed form. */
    AUGMENTED_LAGRANGIAN,
    /** The sum of the first two, natively in closed form. */
    PENALIZED_LAGRANGIAN,
    /** The augmented Lagrangian, with its own gradient for the multipliers. */
    AUGMENTED_BOTH_SIDES,
    /** λᵀ(c φ(g/c)) with the quadratic-logarithmic φ, natively in closed form. */
    QUADRATIC_LOGARITHMIC,
    /** λᵀ(c φ(g/c)) with the quadratic-reciprocal φ, natively in closed form. */
    QUADRATIC_RECIPROCAL,
    /** No contribution: what a step descends is one of the constraints or the loss. */
    SWITCHED,
    /** {@link Formulation#primalContribution} and autograd. */
    CUSTOM
  }

  private final ConstraintType constraintType;

  /** A formulation for constraints of one type. */
  protected Formulation(ConstraintType constraintType) {
    this.constraintType = Objects.requireNonNull(constraintType, "constraintType");
  }

  public final ConstraintType constraintType() {
    return constraintType;
  }

  /** Whether constraints in this formulation have a multiplier. */
  public abstract boolean expectsMultiplier();

  /** Whether constraints in this formulation have a penalty coefficient. */
  public abstract boolean expectsPenaltyCoefficient();

  /** Which code computes the gradient; leave it at {@link Kernel#CUSTOM} in your own. */
  public Kernel kernel() {
    return Kernel.CUSTOM;
  }

  /**
   * The constraint's share of the primal Lagrangian, for {@link Kernel#CUSTOM} formulations.
   *
   * @param violation the differentiable violation, [m]
   * @param multiplierValue the multiplier's values, detached, [m]; null if none is expected
   * @param penaltyValue the penalty coefficient's values, [m], or a scalar if it has one for all;
   *     null if none is expected
   * @return a differentiable scalar
   */
  public Tensor primalContribution(Tensor violation, Tensor multiplierValue, Tensor penaltyValue) {
    throw new UnsupportedOperationException(
        getClass().getSimpleName() + " must override primalContribution or kernel");
  }

  /**
   * Checks that a multiplier is given if and only if it is expected.
   *
   * @throws IllegalArgumentException otherwise
   */
  public void sanityCheckMultiplier(Multiplier multiplier) {
    check("multiplier", expectsMultiplier(), multiplier != null);
  }

  /**
   * Checks that a penalty coefficient is given if and only if it is expected.
   *
   * @throws IllegalArgumentException otherwise
   */
  public void sanityCheckPenaltyCoefficient(PenaltyCoefficient penaltyCoefficient) {
    check("penalty coefficient", expectsPenaltyCoefficient(), penaltyCoefficient != null);
  }

  private void check(String what, boolean expected, boolean given) {
    String self = getClass().getSimpleName();
    if (expected && !given) {
      throw new IllegalArgumentException(
          self + " expects a " + what + " but none was provided; pass one to the Constraint");
    }
    if (!expected && given) {
      throw new IllegalArgumentException(
          self + " takes no " + what + "; pass null, or choose another formulation");
    }
  }

  @Override
  public String toString() {
    return getClass().getSimpleName() + "(constraintType=" + constraintType + ")";
  }
}
