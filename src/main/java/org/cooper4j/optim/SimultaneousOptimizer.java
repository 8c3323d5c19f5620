package org.cooper4j.optim;

import java.util.Collections;
import java.util.List;
import org.bytedeco.pytorch.Optimizer;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;

/**
 * Updates primal and dual variables at once from the same point:
 *
 * <pre>x₊ = x − η ∇ₓL(x, λ, μ),  λ₊ = [λ + η g(x)]₊,  μ₊ = μ + η h(x)</pre>
 *
 * <p>with whatever the optimizers make of a gradient step. Mirrors {@code
 * cooper.optim.SimultaneousOptimizer}.
 */
public final class SimultaneousOptimizer<B> extends ConstrainedOptimizer<B> {
  /** One optimizer a side. */
  public SimultaneousOptimizer(
      ConstrainedMinimizationProblem<B> cmp, Optimizer primalOptimizer, Optimizer dualOptimizer) {
    this(cmp, Collections.singletonList(primalOptimizer), Collections.singletonList(dualOptimizer));
  }

  /** Several optimizers a side. */
  public SimultaneousOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends Optimizer> primalOptimizers,
      List<? extends Optimizer> dualOptimizers) {
    super(cmp, primalOptimizers, dualOptimizers);
  }

  @Override
  RollOut update(B batch, B violationsBatch) {
    CMPState state = evaluate(batch);
    CMPState.Lagrangians lagrangians = differentiate(state);
    primalStep();
    dualStep();
    return new RollOut(state, lagrangians.primal(), lagrangians.dual());
  }
}
