package org.cooper4j.solver;

import static org.cooper4j.internal.Tensors.keep;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.internal.Readout;

/**
 * The augmented Lagrangian (Nocedal and Wright, 17.36 and 17.65) of a scaled problem: s₀ f subject
 * to s g ≤ 0, s h = 0, with the scales at which all gradients are of size 1 at the start. With w =
 * max(λ + ρ s c, floor) it is s₀ f + (‖w‖² − ‖λ‖²) / 2ρ, its gradient s₀ ∇f + Σ w s ∇c, and w is
 * what λ becomes.
 */
final class Multipliers {
  /** Birgin and Martínez' safeguard: what has no bound would hide that the penalty must rise. */
  private static final double MOST = 1e9;

  private final Tensor scales;
  private final Tensor floor;
  private final double objectiveScale;
  private Tensor values;
  private double penalty;

  /**
   * @param values of the scaled constraints, [m]; as all tensors here it is taken over
   * @param scales [m], above 0
   * @param floor [m], 0 for inequalities, −∞ for equalities
   */
  Multipliers(Tensor values, Tensor scales, Tensor floor, double objectiveScale, double penalty) {
    this.values = keep(values);
    this.scales = keep(scales);
    this.floor = keep(floor);
    this.objectiveScale = objectiveScale;
    this.penalty = penalty;
  }

  Tensor values() {
    return values;
  }

  Tensor scales() {
    return scales;
  }

  double objectiveScale() {
    return objectiveScale;
  }

  double penalty() {
    return penalty;
  }

  void raisePenalty(double factor) {
    penalty *= factor;
  }

  /** What the multipliers become at a point with these violations. */
  Tensor weights(Tensor violations) {
    return torch.maximum(values.add(violations.mul(scales), new Scalar(penalty)), floor);
  }

  /** The augmented Lagrangian but for the objective, a scalar. */
  Tensor penaltyTerm(Tensor weights) {
    return weights.sub(values).dot(weights.add(values)).div(new Scalar(2 * penalty));
  }

  /** max(0, g) and |h|, [m]. */
  Tensor violated(Tensor violations) {
    return torch.maximum(violations, torch.minimum(violations.neg(), floor.neg()));
  }

  /**
   * max |min(−s g, λ/ρ)| and |s h|: what the last update of the multipliers moved them by, over ρ.
   */
  double residual(Point point) {
    try (PointerScope temporaries = new PointerScope()) {
      return values.numel() == 0
          ? 0
          : point.weights().sub(values).abs().max().item_double() / penalty;
    }
  }

  /** Σ |λ g| + Σ |μ h| with the multipliers that the point gives, in the objective's unit. */
  double gap(Point point) {
    try (PointerScope temporaries = new PointerScope()) {
      return values.numel() == 0
          ? 0
          : point.weights().mul(scales).mul(point.violations()).abs().sum().item_double()
              / objectiveScale;
    }
  }

  /** Those of the Lagrangian itself, without a penalty; the value is NaN with them. */
  Multipliers withoutPenalty() {
    return new Multipliers(values.clone(), scales.clone(), floor.clone(), objectiveScale, 0);
  }

  /** With which the augmented Lagrangian is ρ/2 (‖s max(0, g)‖² + ‖s h‖²), and nothing else. */
  Multipliers ofViolationAlone(double penalty) {
    return new Multipliers(torch.zeros_like(values), scales.clone(), floor.clone(), 0, penalty);
  }

  /** Takes those that a point gives. */
  void accept(Point point) {
    replace(point.weights().clamp(scalar(-MOST), scalar(MOST)));
  }

  /** Starts again. */
  void clear() {
    replace(torch.zeros_like(values));
  }

  private void replace(Tensor others) {
    Tensor before = values;
    values = keep(others);
    before.close();
  }

  /** Of the problem itself, not of the scaled one. */
  double[] unscaled() {
    try (PointerScope temporaries = new PointerScope()) {
      double[] numbers = Readout.values(values.mul(scales));
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] /= objectiveScale;
      }
      return numbers;
    }
  }

  private static ScalarOptional scalar(double value) {
    return new ScalarOptional(new Scalar(value));
  }
}
