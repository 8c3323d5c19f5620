package org.cooper4j.optim;

import java.util.Collections;
import java.util.List;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.optim.torch.ExtragradientOptimizer;

/**
 * Extrapolation from the past (Popov, 1980; Gidel et al., "A Variational Inequality Perspective on
 * Generative Adversarial Networks", ICLR 2019, Algorithm 3): extragradient at the price of one
 * evaluation a roll, since it looks ahead with the gradients of the last look-ahead point:
 *
 * <pre>
 * x_{t+½} = x_t − η ∇ₓL(x_{t−½}, λ_{t−½}),   λ_{t+½} = [λ_t + η g(x_{t−½})]₊
 * x_{t+1} = x_t − η ∇ₓL(x_{t+½}, λ_{t+½}),   λ_{t+1} = [λ_t + η g(x_{t+½})]₊
 * </pre>
 *
 * <p>The first roll, also after loading a state, has no past and steps from where it is. Between
 * rolls the gradients belong to this optimizer. If the evaluation fails, the variables are back
 * where they were. The RollOut is that of the look-ahead point.
 */
public final class PastExtrapolationConstrainedOptimizer<B> extends ConstrainedOptimizer<B> {
  private final LookAhead<B> ahead;

  /** One optimizer a side. */
  public PastExtrapolationConstrainedOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      ExtragradientOptimizer primalOptimizer,
      ExtragradientOptimizer dualOptimizer) {
    this(cmp, Collections.singletonList(primalOptimizer), Collections.singletonList(dualOptimizer));
  }

  /** Several optimizers a side. */
  public PastExtrapolationConstrainedOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends ExtragradientOptimizer> primalOptimizers,
      List<? extends ExtragradientOptimizer> dualOptimizers) {
    super(cmp, primalOptimizers, dualOptimizers);
    ahead = new LookAhead<>(this, primalOptimizers, dualOptimizers);
    zeroGrad();
  }

  @Override
  boolean extrapolates() {
    return true;
  }

  @Override
  RollOut update(B batch, B violationsBatch) {
    RollOut rollOut = ahead.evaluate(batch);
    primalStep();
    dualStep();
    return rollOut;
  }
}
