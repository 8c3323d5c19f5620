package org.cooper4j;

import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Tensors;

/**
 * What was measured of one constraint at the current point. Mirrors {@code cooper.ConstraintState}.
 *
 * <p>Give a strict violation when the constraint itself is not differentiable: the (surrogate)
 * violation then drives the primal variables, the strict one the multipliers (proxy constraints).
 */
public final class ConstraintState {
  private final Tensor violation;
  private final Tensor constraintFeatures;
  private final Tensor strictViolation;
  private final Tensor strictConstraintFeatures;
  private final boolean contributesToPrimalUpdate;
  private final boolean contributesToDualUpdate;

  private ConstraintState(Builder builder) {
    violation = builder.violation;
    constraintFeatures = builder.constraintFeatures;
    strictViolation = builder.strictViolation;
    strictConstraintFeatures = builder.strictConstraintFeatures;
    contributesToPrimalUpdate = builder.contributesToPrimalUpdate;
    contributesToDualUpdate = builder.contributesToDualUpdate;
  }

  /**
   * A state with a violation alone.
   *
   * @param violation g(x) or h(x): a scalar or [num_constraints], differentiable in the primal
   *     variables
   */
  public static ConstraintState of(Tensor violation) {
    return builder(violation).build();
  }

  /** Starts a state with more than a violation. */
  public static Builder builder(Tensor violation) {
    return new Builder(violation);
  }

  /** The violation that the primal variables see: positive where an inequality is violated. */
  public Tensor violation() {
    return violation;
  }

  /** Which constraints were observed: int64 indices [m], or the features of an implicit one. */
  public Optional<Tensor> constraintFeatures() {
    return Optional.ofNullable(constraintFeatures);
  }

  /** The violation that the multipliers see, when it differs from {@link #violation()}. */
  public Optional<Tensor> strictViolation() {
    return Optional.ofNullable(strictViolation);
  }

  /** The features of the strict violation, when they differ from {@link #constraintFeatures()}. */
  public Optional<Tensor> strictConstraintFeatures() {
    return Optional.ofNullable(strictConstraintFeatures);
  }

  /** Whether the primal Lagrangian includes this constraint. */
  public boolean contributesToPrimalUpdate() {
    return contributesToPrimalUpdate;
  }

  /** Whether the multipliers are updated from this observation. */
  public boolean contributesToDualUpdate() {
    return contributesToDualUpdate;
  }

  /** This state with other violations. */
  ConstraintState with(Tensor ownViolation, Tensor ownStrictViolation) {
    return builder(ownViolation)
        .constraintFeatures(constraintFeatures)
        .strictViolation(ownStrictViolation)
        .strictConstraintFeatures(strictConstraintFeatures)
        .contributesToPrimalUpdate(contributesToPrimalUpdate)
        .contributesToDualUpdate(contributesToDualUpdate)
        .build();
  }

  /** What it holds; no values, which might have to be waited for. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("violation ").append(Tensors.describe(violation));
    describe(text, ", strict violation ", strictViolation);
    describe(text, ", features ", constraintFeatures);
    describe(text, ", strict features ", strictConstraintFeatures);
    text.append(contributesToPrimalUpdate ? "" : ", not for the primal update");
    return text.append(contributesToDualUpdate ? "" : ", not for the dual update").toString();
  }

  private static void describe(StringBuilder text, String what, Tensor tensor) {
    if (tensor != null) {
      text.append(what).append(Tensors.describe(tensor));
    }
  }

  /** Builds a {@link ConstraintState}. */
  public static final class Builder {
    private final Tensor violation;
    private Tensor constraintFeatures;
    private Tensor strictViolation;
    private Tensor strictConstraintFeatures;
    private boolean contributesToPrimalUpdate = true;
    private boolean contributesToDualUpdate = true;

    private Builder(Tensor violation) {
      this.violation = Objects.requireNonNull(violation, "violation");
    }

    /** See {@link ConstraintState#constraintFeatures()}. */
    public Builder constraintFeatures(Tensor features) {
      constraintFeatures = features;
      return this;
    }

    /** See {@link ConstraintState#strictViolation()}. */
    public Builder strictViolation(Tensor violation) {
      strictViolation = violation;
      return this;
    }

    /** See {@link ConstraintState#strictConstraintFeatures()}. */
    public Builder strictConstraintFeatures(Tensor features) {
      strictConstraintFeatures = features;
      return this;
    }

    /** See {@link ConstraintState#contributesToPrimalUpdate()}; true unless set. */
    public Builder contributesToPrimalUpdate(boolean contributes) {
      contributesToPrimalUpdate = contributes;
      return this;
    }

    /** See {@link ConstraintState#contributesToDualUpdate()}; true unless set. */
    public Builder contributesToDualUpdate(boolean contributes) {
      contributesToDualUpdate = contributes;
      return this;
    }

    /**
     * The state.
     *
     * @throws IllegalArgumentException if strict features come without a strict violation
     */
    public ConstraintState build() {
      if (strictConstraintFeatures != null && strictViolation == null) {
        throw new IllegalArgumentException(
            "strictConstraintFeatures were given without a strictViolation; give both or neither");
      }
      return new ConstraintState(this);
    }
  }
}
