package org.cooper4j.multipliers;

import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.ConstraintType;
import org.cooper4j.Cuda;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.internal.Native;
import org.cooper4j.internal.Released;
import org.cooper4j.internal.Tensors;

/**
 * A multiplier whose values are its parameter {@code weight}. Mirrors {@code
 * cooper.multipliers.ExplicitMultiplier}.
 */
public abstract class ExplicitMultiplier extends Multiplier {
  static {
    Native.load();
  }

  private final Tensor weight;
  private double lower = Double.NEGATIVE_INFINITY;
  private double upper = Double.POSITIVE_INFINITY;
  private double leak;

  ExplicitMultiplier(Tensor weight) {
    this.weight = weight;
  }

  /** The values; its {@code grad()} holds the <em>negated</em> dual gradient after a roll. */
  public final Tensor weight() {
    return weight;
  }

  final Tensor open() {
    return Released.requireOpen(weight, this);
  }

  /** How many constraints it serves. */
  public final long numConstraints() {
    return open().size(0);
  }

  /** Where {@link #weight()} lies. */
  public final Device device() {
    return open().device();
  }

  @Override
  public final List<Tensor> parameters() {
    return List.of(open());
  }

  @Override
  public void postStep() {
    postStep(false);
  }

  final void postStep(boolean gradientRowsOnly) {
    if (isBounded()) {
      Native.bound(
          open(), isInequality() ? Math.max(lower, 0) : lower, upper, leak, gradientRowsOnly);
    } else if (isInequality() && gradientRowsOnly) {
      Native.projectGradientRows(open());
    } else if (isInequality()) {
      Native.projectNonNegative(open());
    }
  }

  private boolean isBounded() {
    return leak > 0 || lower > Double.NEGATIVE_INFINITY || upper < Double.POSITIVE_INFINITY;
  }

  /**
   * Keeps the values in a range: those that are there now, and after every dual step, beside λ ≥ 0
   * of inequalities. An upper bound keeps multipliers of a constraint that cannot be satisfied from
   * growing without end; its price is that a constraint whose true multiplier is above it stays
   * violated. The range is no part of the state dict.
   *
   * @param lower −∞ for none
   * @param upper above lower, and above 0; +∞ for none
   * @throws IllegalArgumentException if they are not, or NaN; nothing was changed
   */
  public final ExplicitMultiplier clamp(double lower, double upper) {
    if (!(lower < upper && upper > 0)) {
      throw new IllegalArgumentException(
          "the range is ["
              + lower
              + ", "
              + upper
              + "]; the lower bound must be below the upper one, and that above 0");
    }
    Native.clamp(open(), lower, upper);
    this.lower = lower;
    this.upper = upper;
    return this;
  }

  /** What {@link #clamp} keeps the values above; −∞ without it. */
  public final double lower() {
    return lower;
  }

  /** What {@link #clamp} keeps the values below; +∞ without it. */
  public final double upper() {
    return upper;
  }

  /**
   * Lets the values leak: λ ← (1 − share) λ after every dual step, of those that were observed in
   * it. Multipliers forget violations of long ago, and swing less; the price is a bias: with a dual
   * SGD of rate η the run ends where g = share · λ / (η (1 − share)), not 0. The share is no part
   * of the state dict.
   *
   * @param share in [0, 1); 0 for none
   * @throws IllegalArgumentException if it is not, or NaN
   */
  public final ExplicitMultiplier leak(double share) {
    if (!(share >= 0 && share < 1)) {
      throw new IllegalArgumentException("share is " + share + "; it must be in [0, 1)");
    }
    leak = share;
    return this;
  }

  final boolean isInequality() {
    return constraintType().filter(type -> type == ConstraintType.INEQUALITY).isPresent();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if the dtype is no floating point one, or holds a value as
   *     infinite; nothing was changed
   */
  @Override
  public final void to(Device device, ScalarType dtype) {
    if (dtype != null) {
      requireValues(open(), dtype);
    }
    Tensors.moveInPlace(open(), device, dtype);
  }

  @Override
  public final Map<String, Object> stateDict() {
    StateDict state = new StateDict();
    state.put("weight", open().detach());
    return state;
  }

  @Override
  public final void loadStateDict(Map<String, ?> stateDict) {
    checkStateDict(stateDict);
    Tensors.copyInto(weight, (Tensor) stateDict.get("weight"));
  }

  @Override
  public final void checkStateDict(Map<String, ?> stateDict) {
    StateDict.check(Map.of("weight", open()), stateDict);
    requireValues((Tensor) stateDict.get("weight"), weight.scalar_type());
  }

  @Override
  public final void sanityCheck() {
    requireValues(weight, weight.scalar_type());
  }

  private void requireValues(Tensor values, ScalarType dtype) {
    try (PointerScope temporaries = new PointerScope()) {
      Tensors.requireValues(
          Tensors.as(dtype, values),
          isInequality(),
          "a multiplier of an " + (isInequality() ? "inequality" : "equality") + " constraint");
    }
  }

  @Override
  public String toString() {
    return getClass().getSimpleName()
        + (weight.isNull() ? "(released)" : "(num_constraints=" + numConstraints() + ")");
  }

  static Tensor zeros(long numConstraints, Device device, ScalarType dtype) {
    if (numConstraints < 1) {
      throw new IllegalArgumentException(
          "num_constraints is " + numConstraints + "; a multiplier serves at least one constraint");
    }
    Cuda.check(device);
    return Tensors.zeros(new long[] {numConstraints}, device, dtype);
  }

  static Tensor copyOf(Tensor init) {
    Tensors.requireTensor(init, "init");
    if (init.dim() != 1 || init.numel() == 0) {
      throw new IllegalArgumentException(
          "init has shape "
              + Tensors.shape(init)
              + "; expected [num_constraints], and at least one constraint");
    }
    Tensors.requireFloatingPoint(init, "init");
    Tensors.requireValues(init, false, "init");
    return init.detach().clone();
  }
}
