package org.cooper4j.optim;

import java.util.Collections;
import java.util.List;
import org.bytedeco.pytorch.Optimizer;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.LagrangianStore;

/**
 * Updates primal variables only: for problems without constraints, or with quadratic penalties
 * alone, whose states do not contribute to the dual update. Nothing updates multipliers: a problem
 * that has some needs one of the {@link ConstrainedOptimizer}s. Mirrors {@code
 * cooper.optim.UnconstrainedOptimizer}.
 */
public final class UnconstrainedOptimizer<B> extends CooperOptimizer<B> {
  /** One optimizer. */
  public UnconstrainedOptimizer(ConstrainedMinimizationProblem<B> cmp, Optimizer primalOptimizer) {
    this(cmp, Collections.singletonList(primalOptimizer));
  }

  /** Several optimizers. */
  public UnconstrainedOptimizer(
      ConstrainedMinimizationProblem<B> cmp, List<? extends Optimizer> primalOptimizers) {
    super(cmp, primalOptimizers, List.of());
  }

  @Override
  RollOut update(B batch, B violationsBatch) {
    CMPState state = evaluate(batch);
    zeroGrad();
    LagrangianStore primal = differentiatePrimal(state, LagrangianStore::backward);
    primalStep();
    return new RollOut(state, primal, LagrangianStore.empty());
  }
}
