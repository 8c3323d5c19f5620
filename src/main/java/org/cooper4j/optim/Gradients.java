package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState;
import org.cooper4j.internal.Envelope;
import org.cooper4j.internal.Optimizers;

/**
 * The gradients that a step is about to use, of all optimizers of one side together. Those of
 * multipliers are negated: LibTorch's optimizers descend. Changes are made in place; nothing here
 * waits for a CUDA device unless it says so.
 */
public final class Gradients {
  private final CMPState state;
  private final List<Optimizer> side;
  private final Optimizers optimizers;
  private final boolean primal;

  /** Of the optimizers of one side, which are these. */
  Gradients(CMPState state, List<Optimizer> side, Optimizers optimizers, boolean primal) {
    this.state = state;
    this.side = side;
    this.optimizers = optimizers;
    this.primal = primal;
  }

  /** The state that was differentiated; what is put into its {@code misc} comes out of the roll. */
  public CMPState state() {
    return state;
  }

  /** The native layer would use what was closed. */
  private Optimizers open() {
    if (side.stream().anyMatch(optimizer -> optimizer.isNull())) {
      throw new IllegalStateException(
          "an optimizer of this roll was closed; close it after the training");
    }
    return optimizers;
  }

  /** The variables that have a gradient, {@code grad()}: to be read, or changed in place. */
  public List<Tensor> parameters() {
    open();
    List<Tensor> parameters = new ArrayList<>();
    Optimizers.forEachParameter(
        side,
        parameter -> {
          if (parameter.grad().defined()) {
            parameters.add(parameter);
          }
        });
    return Collections.unmodifiableList(parameters);
  }

  /** The Euclidean norm of all gradients as one vector, a scalar; 0 if there are none. */
  public Tensor norm() {
    return norm(2);
  }

  /**
   * Another norm, as {@code torch.nn.utils.get_total_norm}.
   *
   * @param normType its order, above 0; infinity for the largest absolute value
   */
  public Tensor norm(double normType) {
    return open().gradNorm(primal, normType);
  }

  /**
   * Scales all gradients so that their Euclidean norm is at most that; the norm of before.
   *
   * @param maxNorm at least 0
   */
  public Tensor clipNorm(double maxNorm) {
    return clipNorm(maxNorm, 2, false);
  }

  /**
   * Clips to any norm, as {@code torch.nn.utils.clip_grad_norm_}.
   *
   * @param maxNorm at least 0
   * @param normType as of {@link #norm(double)}
   * @param errorIfNonFinite whether to throw, which waits for a CUDA device, where the norm is NaN
   *     or infinite: clipped to one, gradients would be NaN or 0
   * @return the norm of before, a scalar
   * @throws IllegalArgumentException in that case, or for a wrong argument; nothing was changed
   */
  public Tensor clipNorm(double maxNorm, double normType, boolean errorIfNonFinite) {
    return open().clipGradNorm(primal, maxNorm, normType, errorIfNonFinite);
  }

  /**
   * Clips every element to ±clipValue.
   *
   * @param clipValue at least 0
   */
  public void clipValue(double clipValue) {
    open().clipGradValue(primal, clipValue);
  }

  /**
   * Multiplies all gradients by a finite number: to unscale a loss that was scaled, for example.
   */
  public void scale(double factor) {
    open().scaleGrad(primal, factor);
  }

  void apply(Envelope envelope) {
    if (!primal) {
      throw new IllegalArgumentException(
          "a MoreauEnvelope smooths the primal side; give it to beforePrimalStep");
    }
    open().apply(envelope);
  }

  static void requireNotNegative(String what, double value) {
    if (!(value >= 0)) {
      throw new IllegalArgumentException(what + " is " + value + "; expected at least 0");
    }
  }
}
