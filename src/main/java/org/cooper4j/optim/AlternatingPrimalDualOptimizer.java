package org.cooper4j.optim;

import java.util.Collections;
import java.util.List;
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
 * computeCMPState} (and the loss at x₊). Nothing is differentiated there, but gradients are
 * enabled, since violations may contain derivatives; a {@code computeViolations} without any is
 * cheaper in a {@code NoGradGuard}. If that evaluation throws, or gives values that are not finite,
 * the primal half of the roll is done and stays: an IllegalStateException says so, its cause is the
 * reason, and the next roll goes on from x₊ with the multipliers as they are. Mirrors {@code
 * cooper.optim.AlternatingPrimalDualOptimizer}.
 */
public final class AlternatingPrimalDualOptimizer<B> extends ConstrainedOptimizer<B> {
  /** One optimizer a side. */
  public AlternatingPrimalDualOptimizer(
      ConstrainedMinimizationProblem<B> cmp, Optimizer primalOptimizer, Optimizer dualOptimizer) {
    this(cmp, Collections.singletonList(primalOptimizer), Collections.singletonList(dualOptimizer));
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
    CMPState state = evaluate(batch);
    zeroGrad();
    LagrangianStore primal = differentiatePrimal(state, LagrangianStore::backward);
    primalStep();
    try {
      CMPState newState = violations(violationsBatch);
      LagrangianStore dual = newState.computeDualLagrangian();
      dual.backward();
      runDualHooks(newState);
      dualStep();
      return new RollOut(newState.loss().or(state::loss).orElse(null), newState, primal, dual);
    } catch (RuntimeException e) {
      throw new IllegalStateException(
          "the primal variables were updated, the multipliers were not: " + e.getMessage(), e);
    }
  }

  private CMPState violations(B batch) {
    CMPState violations;
    try {
      violations = evaluate(batch, "computeViolations", cmp()::computeViolations);
    } catch (ViolationsNotImplementedException e) {
      return evaluate(batch);
    }
    if (violations.loss().isPresent()) {
      throw new IllegalStateException("computeViolations gave a loss; leave it to computeCMPState");
    }
    return violations;
  }
}
