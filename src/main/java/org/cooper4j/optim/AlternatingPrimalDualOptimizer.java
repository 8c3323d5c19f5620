package org.cooper4j.optim;

import java.util.List;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Optimizer;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.ConstrainedMinimizationProblem.ViolationsNotImplementedException;
import org.cooper4j.LagrangianStore;

/**
 * Updates the primal variables first, then the dual ones from the violations at the new point:
 *
 * <pre>x₊ = x − η ∇ₓL(x, λ, μ),  λ₊ = [λ + η g(x₊)]₊,  μ₊ = μ + η h(x₊)</pre>
 *
 * <p>The violations at x₊ come from {@link ConstrainedMinimizationProblem#computeViolations} where
 * the problem has it (the roll then reports the loss at x), else from a second {@code
 * computeCMPState} (and the loss at x₊); both run without gradients. Mirrors {@code
 * cooper.optim.AlternatingPrimalDualOptimizer}.
 */
public final class AlternatingPrimalDualOptimizer<B> extends ConstrainedOptimizer<B> {
  /** One optimizer a side. */
  public AlternatingPrimalDualOptimizer(
      ConstrainedMinimizationProblem<B> cmp, Optimizer primalOptimizer, Optimizer dualOptimizer) {
    this(cmp, List.of(primalOptimizer), List.of(dualOptimizer));
  }

  /** Several optimizers a side. */
  public AlternatingPrimalDualOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends Optimizer> primalOptimizers,
      List<? extends Optimizer> dualOptimizers) {
    super(cmp, primalOptimizers, dualOptimizers);
  }

  /**
   * Rolls with another batch for the violations at the new point.
   *
   * @param batch for the primal update
   * @param violationsBatch for the dual update
   */
  @Override
  public RollOut roll(B batch, B violationsBatch) {
    return super.roll(batch, violationsBatch);
  }

  @Override
  RollOut update(B batch, B violationsBatch) {
    CMPState state = cmp().computeCMPState(batch);
    zeroGrad();
    LagrangianStore primal = state.computePrimalLagrangian();
    primal.backward();
    primalStep();
    CMPState newState = violations(violationsBatch);
    LagrangianStore dual = newState.computeDualLagrangian();
    dual.backward();
    dualStep();
    return new RollOut(newState.loss().or(state::loss).orElse(null), newState, primal, dual);
  }

  private CMPState violations(B batch) {
    try (NoGradGuard noGrad = new NoGradGuard()) {
      CMPState violations = cmp().computeViolations(batch);
      if (violations.loss().isPresent()) {
        throw new IllegalStateException(
            "computeViolations gave a loss; leave it to computeCMPState");
      }
      return violations;
    } catch (ViolationsNotImplementedException e) {
      try (NoGradGuard noGrad = new NoGradGuard()) {
        return cmp().computeCMPState(batch);
      }
    }
  }
}
