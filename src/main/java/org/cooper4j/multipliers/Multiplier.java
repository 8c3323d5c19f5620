package org.cooper4j.multipliers;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.ConstraintType;

/** The dual variables of a constraint. Mirrors {@code cooper.multipliers.Multiplier}. */
public abstract class Multiplier {
  private ConstraintType constraintType;

  /** For subclasses. */
  protected Multiplier() {}

  /** Whether {@link #forward} needs the features of the observed constraints. */
  public abstract boolean expectsConstraintFeatures();

  /**
   * The current values of the observed multipliers.
   *
   * @param constraintFeatures what the constraint state observed; null if not expected
   * @return values of shape [m], differentiable in {@link #parameters()}
   */
  public abstract Tensor forward(Tensor constraintFeatures);

  /** The trainable tensors, for a dual optimizer. */
  public abstract List<Tensor> parameters();

  /** Called after every dual step; multipliers of inequalities become non-negative here. */
  public abstract void postStep();

  /** Moves and/or converts the parameters in place; a null argument changes nothing. */
  public abstract void to(Device device, ScalarType dtype);

  /** The parameters by name, as {@code torch.nn.Module.state_dict} gives them: not copied. */
  public abstract Map<String, Object> stateDict();

  /**
   * Copies a state into the parameters, all of it or nothing.
   *
   * @throws IllegalArgumentException naming the key that is missing, unknown or of another shape
   */
  public abstract void loadStateDict(Map<String, ?> stateDict);

  /** Throws {@link IllegalArgumentException} if {@link #loadStateDict} would. */
  public abstract void checkStateDict(Map<String, ?> stateDict);

  /** The type of the constraint it belongs to; empty before it belongs to one. */
  public final Optional<ConstraintType> constraintType() {
    return Optional.ofNullable(constraintType);
  }

  /**
   * Called by the constraint that takes this multiplier.
   *
   * @throws IllegalArgumentException if constraints of both types share it, or if its values do not
   *     suit the type
   */
  public final void setConstraintType(ConstraintType type) {
    if (constraintType != null && constraintType != type) {
      throw new IllegalArgumentException(
          "a multiplier of an "
              + constraintType
              + " constraint cannot be shared with an "
              + type
              + " one; give each its own");
    }
    ConstraintType before = constraintType;
    constraintType = type;
    try {
      sanityCheck();
    } catch (IllegalArgumentException e) {
      constraintType = before;
      throw e;
    }
  }

  /** Throws {@link IllegalArgumentException} unless the values suit the constraint type. */
  public void sanityCheck() {}
}
