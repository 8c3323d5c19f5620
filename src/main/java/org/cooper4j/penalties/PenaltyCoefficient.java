package org.cooper4j.penalties;

import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.internal.Released;
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
   * @param init a scalar, or [num_constraints], floating point, finite, none negative; copied
   * @throws IllegalArgumentException if it is anything else
   */
  PenaltyCoefficient(Tensor init) {
    Tensors.requireTensor(init, "init");
    if (init.dim() > 1 || init.numel() == 0) {
      throw new IllegalArgumentException(
          "init has shape "
              + Tensors.shape(init)
              + "; expected a scalar or [num_constraints], and at least one constraint");
    }
    if (init.requires_grad()) {
      throw new IllegalArgumentException(
          "init requires grad; a penalty coefficient is no variable");
    }
    Tensors.requireFloatingPoint(init, "init");
    requireValues(init, init.scalar_type());
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
   * @param values finite, none negative, also in this coefficient's dtype; copied
   * @throws IllegalArgumentException if they are not, or the shape differs; nothing was changed
   */
  public final void setValue(Tensor values) {
    Tensors.requireTensor(values, "value");
    Tensors.requireSameShape(Released.requireOpen(value, this), values, "value");
    requireValues(values, value.scalar_type());
    Tensors.copyInto(value, values);
  }

  /**
   * Moves and/or converts values and restart values in place; null changes nothing.
   *
   * @throws IllegalArgumentException if the dtype is no floating point one, or holds a value as
   *     infinite; nothing was changed
   */
  public final void to(Device device, ScalarType dtype) {
    Released.requireOpen(value, this);
    if (dtype != null) {
      requireValues(value, dtype);
      requireValues(init, dtype);
    }
    Tensors.moveInPlace(value, device, dtype);
    Tensors.moveInPlace(init, device, dtype);
  }

  /** Copies of {@code value} and {@code init}; Cooper writes and reads {@code value} alone. */
  public final Map<String, Object> stateDict() {
    StateDict state = new StateDict();
    state.put("value", Released.requireOpen(value, this).clone());
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
    Released.requireOpen(value, this);
    StateDict.check(
        stateDict.containsKey("init")
            ? Map.of("value", value, "init", init)
            : Map.of("value", value),
        stateDict);
    for (Object values : stateDict.values()) {
      requireValues((Tensor) values, value.scalar_type());
    }
  }

  private static void requireValues(Tensor values, ScalarType dtype) {
    try (PointerScope temporaries = new PointerScope()) {
      Tensors.requireValues(Tensors.as(dtype, values), true, "a penalty coefficient");
    }
  }

  @Override
  public String toString() {
    return getClass().getSimpleName() + "(" + Tensors.describe(value) + ")";
  }
}
