package org.cooper4j.optim;

import java.util.Collections;
import java.util.List;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.optim.torch.ExtragradientOptimizer;

/**
 * Steps with the gradients of a point half a step ahead (Korpelevich's extragradient method):
 *
 * <pre>
 * x½ = x − η ∇ₓL(x, λ, μ),     λ½ = [λ + η g(x)]₊,   μ½ = μ + η h(x)
 * x₊ = x − η ∇ₓL(x½, λ½, μ½),  λ₊ = [λ + η g(x½)]₊,  μ₊ = μ + η h(x½)
 * </pre>
 *
 * <p>The problem is evaluated twice a roll; the RollOut is that of the first point. If the second
 * evaluation fails, the variables are back at the first point. Mirrors {@code
 * cooper.optim.ExtrapolationConstrainedOptimizer}.
 */
public final class ExtrapolationConstrainedOptimizer<B> extends ConstrainedOptimizer<B> {
  private final LookAhead<B> ahead;

  /** One optimizer a side. */
  public ExtrapolationConstrainedOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      ExtragradientOptimizer primalOptimizer,
      ExtragradientOptimizer dualOptimizer) {
    this(cmp, Collections.singletonList(primalOptimizer), Collections.singletonList(dualOptimizer));
  }

  /** Several optimizers a side. */
  public ExtrapolationConstrainedOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends ExtragradientOptimizer> primalOptimizers,
      List<? extends ExtragradientOptimizer> dualOptimizers) {
    super(cmp, primalOptimizers, dualOptimizers);
    ahead = new LookAhead<>(this, primalOptimizers, dualOptimizers);
  }

  @Override
  boolean extrapolates() {
    return true;
  }

  @Override
  RollOut update(B batch, B violationsBatch) {
    CMPState here = evaluate(batch);
    CMPState.Lagrangians lagrangians = differentiate(here);
    ahead.evaluate(batch);
    primalStep();
    dualStep();
    return new RollOut(here, lagrangians.primal(), lagrangians.dual());
  }
}
