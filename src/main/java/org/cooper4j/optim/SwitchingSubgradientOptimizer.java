package org.cooper4j.optim;

import java.util.Collections;
import java.util.List;
import org.bytedeco.pytorch.Optimizer;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.LagrangianStore;

/**
 * Descends the worst constraint while it is violated, else the loss, and has no multipliers
 * (Polyak, 1967; Huang and Lin, "Oracle Complexity of Single-Loop Switching Subgradient Methods for
 * Non-Smooth Weakly Convex Functional Constrained Optimization", NeurIPS 2023, Algorithm 1):
 *
 * <pre>x₊ = x − η ∂(max g(x)) if max g(x) > τ,  else x − η ∇f(x)</pre>
 *
 * <p>Constraints are in the {@code Switched} formulation; of equalities |h| counts, and where there
 * is a strict violation, it decides. Mirrors humancompatible-train's {@code SSG}. A roll's {@code
 * values().misc()} says as {@value #SWITCHED} which it was, 1 for the constraint; its primal
 * Lagrangian is the loss. On a CUDA device every roll waits for the largest violation.
 */
public final class SwitchingSubgradientOptimizer<B> extends CooperOptimizer<B> {
  /** The key of the state's {@code misc} under which a roll keeps what it has descended. */
  public static final String SWITCHED = "switched";

  private final double tolerance;
  private final double scale;

  /** With a tolerance of 0. */
  public SwitchingSubgradientOptimizer(
      ConstrainedMinimizationProblem<B> cmp, Optimizer primalOptimizer) {
    this(cmp, primalOptimizer, 0, 1);
  }

  /** One optimizer. */
  public SwitchingSubgradientOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      Optimizer primalOptimizer,
      double tolerance,
      double scale) {
    this(cmp, Collections.singletonList(primalOptimizer), tolerance, scale);
  }

  /**
   * Several optimizers.
   *
   * @param tolerance τ, finite and at least 0, in the violations' unit
   * @param scale what the constraint's subgradient is multiplied with, finite and above 0. With SGD
   *     that gives it a step size of its own, as the paper has it; Adam and its like take scales
   *     out of gradients again
   * @throws IllegalArgumentException if one is out of its range
   */
  public SwitchingSubgradientOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends Optimizer> primalOptimizers,
      double tolerance,
      double scale) {
    super(cmp, primalOptimizers, List.of());
    if (!(tolerance >= 0) || Double.isInfinite(tolerance)) {
      throw new IllegalArgumentException(
          "tolerance is " + tolerance + "; it must be finite and >= 0");
    }
    if (!(scale > 0) || Double.isInfinite(scale)) {
      throw new IllegalArgumentException("scale is " + scale + "; it must be finite and > 0");
    }
    this.tolerance = tolerance;
    this.scale = scale;
  }

  @Override
  RollOut update(B batch, B violationsBatch) {
    CMPState state = evaluate(batch);
    zeroGrad();
    LagrangianStore primal =
        differentiatePrimal(
            state, store -> state.misc(SWITCHED, store.backwardSwitched(tolerance, scale) ? 1 : 0));
    primalStep();
    return new RollOut(state, primal, LagrangianStore.empty());
  }
}
