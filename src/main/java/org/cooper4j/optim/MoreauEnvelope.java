package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.internal.Envelope;
import org.cooper4j.internal.Tensors;

/**
 * Smooths a primal-dual method: the primal step descends L(x) + μ/2 ‖x − z‖², whose centre z
 * follows x, so that the Lagrangian of a problem that is not convex is convex enough near it:
 *
 * <pre>∇ ← ∇ₓL(x_t) + μ (x_t − z_t),  z_{t+1} = z_t + β (x_t − z_t)</pre>
 *
 * <p>of Zhang and Luo, SIAM J. Optim. 2020; with an {@code AugmentedLagrangian}, SGD on both sides
 * and an {@link AlternatingDualPrimalOptimizer} it is SSL-ALM (Huang, Alacaoglu and Wright,
 * "Stochastic Smoothed Primal-Dual Algorithms for Nonconvex Optimization with Linear Inequality
 * Constraints", 2025, Algorithm 1). It mirrors humancompatible-train's {@code MoreauEnvelope}, and
 * costs one copy of the variables.
 *
 * <pre>{@code
 * optimizer.beforePrimalStep(new MoreauEnvelope(2.0, 0.5));
 * }</pre>
 *
 * <p>Variables without a gradient in a roll are left out of it, and their centres. The optimizer's
 * state dict has the centres.
 */
public final class MoreauEnvelope implements GradientHook {
  private final Envelope envelope;

  /** Centres that move in every roll. */
  public MoreauEnvelope(double mu, double beta) {
    this(mu, beta, 1);
  }

  /**
   * Centres start where the variables are in the first roll.
   *
   * @param mu how strongly x is held at z, finite and at least 0
   * @param beta how fast z follows, in [0, 1]; at 1 it is the point before
   * @param period how many rolls there are to a move of z, at least 1
   * @throws IllegalArgumentException if one is out of its range
   */
  public MoreauEnvelope(double mu, double beta, long period) {
    envelope = new Envelope(mu, beta, period);
  }

  @Override
  public void beforeStep(Gradients gradients) {
    gradients.apply(envelope);
  }

  /** {@code {"centers": [tensor of each variable], "count": rolls since they moved}}; copies. */
  @Override
  public Map<String, Object> stateDict() {
    List<Object> centers = new ArrayList<>();
    try (PointerScope temporaries = new PointerScope()) {
      TensorVector now = envelope.centers();
      for (long i = 0; i < now.size(); i++) {
        centers.add(Tensors.keep(now.get(i).clone()));
      }
    }
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("centers", centers);
    state.put("count", envelope.count());
    return state;
  }

  /**
   * Goes on from a state, or, if it is empty, anew from where the variables are in the next roll.
   *
   * @throws IllegalArgumentException naming the key that does not fit; the next roll throws it if
   *     the centres are of other variables
   */
  @Override
  public void loadStateDict(Map<String, ?> state) {
    try (PointerScope temporaries = new PointerScope()) {
      if (state.isEmpty()) {
        envelope.restore(new TensorVector(), 0);
        return;
      }
      if (!(state.get("centers") instanceof List<?> centers)
          || !centers.stream().allMatch(Tensor.class::isInstance)) {
        throw new IllegalArgumentException("centers: expected a list of tensors");
      }
      if (!(state.get("count") instanceof Number count)) {
        throw new IllegalArgumentException("count: expected an int, found " + state.get("count"));
      }
      envelope.restore(
          new TensorVector(centers.stream().map(Tensor.class::cast).toArray(Tensor[]::new)),
          count.longValue());
    }
  }
}
