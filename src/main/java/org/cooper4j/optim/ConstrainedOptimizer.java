package org.cooper4j.optim;

import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Optimizer;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.multipliers.Multiplier;

/**
 * An optimizer of primal and dual variables. Mirrors {@code cooper.optim.ConstrainedOptimizer}.
 *
 * <p>LibTorch's optimizers have no {@code maximize}: multipliers get the negated dual gradient, so
 * that any optimizer's descent ascends the dual Lagrangian.
 */
public abstract class ConstrainedOptimizer<B> extends CooperOptimizer<B> {
  ConstrainedOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends Optimizer> primalOptimizers,
      List<? extends Optimizer> dualOptimizers) {
    super(cmp, primalOptimizers, requireOne(dualOptimizers));
  }

  private static List<? extends Optimizer> requireOne(List<? extends Optimizer> dualOptimizers) {
    Objects.requireNonNull(dualOptimizers, "dualOptimizers");
    if (dualOptimizers.isEmpty()) {
      throw new IllegalArgumentException(
          "no dual optimizer was given; give one, or use UnconstrainedOptimizer");
    }
    return dualOptimizers;
  }

  /**
   * As {@link #beforePrimalStep}, for the gradients of the multipliers. Where the primal variables
   * step first, one that throws fails the dual half of a roll, as the second evaluation does.
   */
  public final void beforeDualStep(GradientHook hook) {
    dualHooks().add(hook);
  }

  /** Steps the dual optimizers, then projects the multipliers of inequalities. */
  public final void dualStep() {
    boolean gradientRowsOnly = stepDualOptimizers();
    for (Multiplier multiplier : cmp().multipliers()) {
      if (gradientRowsOnly && multiplier instanceof IndexedMultiplier indexed) {
        indexed.postStepOfGradientRows();
      } else {
        multiplier.postStep();
      }
    }
  }
}
