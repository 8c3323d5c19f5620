package org.cooper4j.optim;

import java.util.Collections;
import java.util.List;
import org.bytedeco.pytorch.Optimizer;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.LagrangianStore;
import org.cooper4j.internal.Snapshot;

/**
 * Updates the dual variables first, then the primal ones at the new multipliers:
 *
 * <pre>λ₊ = [λ + η g(x)]₊,  μ₊ = μ + η h(x),  x₊ = x − η ∇ₓL(x, λ₊, μ₊)</pre>
 *
 * <p>The problem is evaluated once a roll; if the primal gradients then cannot be computed, the
 * multipliers are put back. Mirrors {@code cooper.optim.AlternatingDualPrimalOptimizer}.
 */
public final class AlternatingDualPrimalOptimizer<B> extends ConstrainedOptimizer<B> {
  /** One optimizer a side. */
  public AlternatingDualPrimalOptimizer(
      ConstrainedMinimizationProblem<B> cmp, Optimizer primalOptimizer, Optimizer dualOptimizer) {
    this(cmp, Collections.singletonList(primalOptimizer), Collections.singletonList(dualOptimizer));
  }

  /** Several optimizers a side. */
  public AlternatingDualPrimalOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends Optimizer> primalOptimizers,
      List<? extends Optimizer> dualOptimizers) {
    super(cmp, primalOptimizers, dualOptimizers);
  }

  @Override
  RollOut update(B batch, B violationsBatch) {
    CMPState state = evaluate(batch);
    zeroGrad();
    LagrangianStore dual = state.computeLagrangians().dual();
    dual.backward();
    runDualHooks(state);
    List<Snapshot> multipliers = dualOptimizers().stream().map(Snapshot::new).toList();
    LagrangianStore primal;
    try {
      dualStep();
      primal = differentiatePrimal(state, LagrangianStore::backward);
    } catch (RuntimeException | Error e) {
      multipliers.forEach(Snapshot::restore);
      throw e;
    }
    primalStep();
    return new RollOut(state, primal, dual);
  }
}
