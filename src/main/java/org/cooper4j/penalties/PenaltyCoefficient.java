package org.cooper4j.penalties;

import java.util.Map;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.internal.Tensors;

/**
 * A penalty coefficient c ≥ 0: no parameter, changed only by a {@link PenaltyCoefficientUpdater}.
 * Mirrors {@code cooper.penalty_coefficients.PenaltyCoefficient}.
 */
public abstract class PenaltyCoefficient {
  private final Tensor init;
  private final Tensor value;

  /**
   * Starts at given values; device and dtype are theirs.
   *
   * @param init a scalar, or [num_constraints], floating point, none negative; copied
   */
  PenaltyCoefficient(Tensor init) {
    if (init.dim() > 1) {
      throw new IllegalArgumentException(
          "init has shape " + Tensors.shape(init) + "; expected a scalar or [num_constraints]");
    }
    if (init.requires_grad()) {
      throw new IllegalArgumentException(
          "init requires grad; a penalty coefficient is no variable");
    }
    Tensors.requireFloatingPoint(init, "init");
    requireNonNegative(init);
    this.init = init.clone();
    this.value = init.clone();
  }

  /** Whether {@link #forward} needs the indices of the observed constraints. */
  public abstract boolean expectsConstraintFeatures();

  /**
   * The current values for the observed constraints.
   *
   * @param indices int64 [m] for an indexed coefficient, else ignored
   * @return a copy: a scalar, [num_constraints] or [m]
   */
  public abstract Tensor forward(Tensor indices);

  /** The live values: a scalar or [num_constraints]. */
  public final Tensor value() {
    return value;
  }

  /** What a restart sets the values to. */
  public final Tensor init() {
    return init;
  }

  /**
   * Sets the values.
   *
   * @throws IllegalArgumentException if the shape differs or an entry is negative
   */
  public final void setValue(Tensor values) {
    Tensors.requireSameShape(value, values, "value");
    requireNonNegative(values);
    Tensors.copyInto(value, values);
  }

  /** Moves and/or converts values and restart values in place; null changes nothing. */
  public final void to(Device device, ScalarType dtype) {
    Tensors.moveInPlace(value, device, dtype);
    Tensors.moveInPlace(init, device, dtype);
  }

  /** Copies of {@code value} and {@code init}; Cooper writes and reads {@code value} alone. */
  public final Map<String, Object> stateDict() {
    StateDict state = new StateDict();
    state.put("value", value.clone());
    state.put("init", init.clone());
    return state;
  }

  /**
   * Copies a state in, all of it or nothing; {@code init} may be missing.
   *
   * @throws IllegalArgumentException naming the key that does not fit
   */
  public final void loadStateDict(Map<String, ?> stateDict) {
    checkStateDict(stateDict);
    Tensors.copyInto(value, (Tensor) stateDict.get("value"));
    if (stateDict.containsKey("init")) {
      Tensors.copyInto(init, (Tensor) stateDict.get("init"));
    }
  }

  /** Throws {@link IllegalArgumentException} if {@link #loadStateDict} would. */
  public final void checkStateDict(Map<String, ?> stateDict) {
    StateDict.check(
        stateDict.containsKey("init")
            ? Map.of("value", value, "init", init)
            : Map.of("value", value),
        stateDict);
    for (Object values : stateDict.values()) {
      requireNonNegative((Tensor) values);
    }
  }

  private static void requireNonNegative(Tensor values) {
    if (Tensors.anyNegative(values)) {
      throw new IllegalArgumentException(
          "a penalty coefficient has a negative entry; all must be >= 0");
    }
  }

  @Override
  public String toString() {
    return getClass().getSimpleName() + "(shape=" + Tensors.shape(value) + ")";
  }
}
