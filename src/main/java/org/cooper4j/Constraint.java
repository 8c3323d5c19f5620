package org.cooper4j;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.formulations.Formulation;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.internal.Readout;
import org.cooper4j.internal.Released;
import org.cooper4j.multipliers.ExplicitMultiplier;
import org.cooper4j.multipliers.Multiplier;
import org.cooper4j.penalties.PenaltyCoefficient;

/**
 * A constraint, or a family of alike ones, of a {@link ConstrainedMinimizationProblem}. Mirrors
 * {@code cooper.Constraint}.
 */
public final class Constraint {
  private final ConstraintType constraintType;
  private final Formulation formulation;
  private final Multiplier multiplier;
  private final PenaltyCoefficient penaltyCoefficient;
  private String name;

  /** A constraint in the {@link Lagrangian} formulation. */
  public Constraint(ConstraintType constraintType, Multiplier multiplier) {
    this(constraintType, Lagrangian::new, multiplier, null);
  }

  /**
   * A constraint in any formulation.
   *
   * @param constraintType equality or inequality
   * @param formulationType a formulation's constructor, such as {@code AugmentedLagrangian::new}
   * @param multiplier the multiplier, null if the formulation expects none
   * @param penaltyCoefficient the penalty coefficient, null if the formulation expects none
   * @throws IllegalArgumentException if the formulation expects what is missing, or does not expect
   *     what is given, if both are of different sizes, or if a multiplier of an inequality has a
   *     negative entry
   */
  public Constraint(
      ConstraintType constraintType,
      Function<ConstraintType, ? extends Formulation> formulationType,
      Multiplier multiplier,
      PenaltyCoefficient penaltyCoefficient) {
    this.constraintType = Objects.requireNonNull(constraintType, "constraintType");
    this.formulation = formulationType.apply(constraintType);
    this.formulation.sanityCheckMultiplier(multiplier);
    this.formulation.sanityCheckPenaltyCoefficient(penaltyCoefficient);
    checkSizes(multiplier, penaltyCoefficient);
    this.multiplier = multiplier;
    this.penaltyCoefficient = penaltyCoefficient;
    if (multiplier != null) {
      multiplier.setConstraintType(constraintType);
    }
  }

  private static void checkSizes(Multiplier multiplier, PenaltyCoefficient penalty) {
    if (multiplier instanceof ExplicitMultiplier explicit
        && penalty != null
        && penalty.value().numel() > 1
        && penalty.value().numel() != explicit.numConstraints()) {
      throw new IllegalArgumentException(
          "the multiplier serves "
              + explicit.numConstraints()
              + " constraints, the penalty coefficient has "
              + penalty.value().numel()
              + " entries; give it as many, or a scalar");
    }
  }

  public ConstraintType constraintType() {
    return constraintType;
  }

  public Formulation formulation() {
    return formulation;
  }

  /** The multiplier; empty for formulations without one. */
  public Optional<Multiplier> multiplier() {
    return Optional.ofNullable(multiplier);
  }

  /**
   * The multiplier's present values as numbers: all of an explicit one. Waits for a CUDA device
   * once.
   *
   * @throws IllegalStateException if there is no multiplier, or one that depends on features, whose
   *     values {@link RollValues} has
   */
  public double[] multiplierValues() {
    try (PointerScope temporaries = new PointerScope()) {
      return Readout.of(List.of(presentMultiplier().orElseThrow(this::noMultiplier))).next();
    }
  }

  private IllegalStateException noMultiplier() {
    return new IllegalStateException(
        self()
            + (multiplier == null
                ? " has no multiplier"
                : " has a multiplier that depends on features; RollOut.values() has what a roll"
                    + " evaluated"));
  }

  /** Empty where there is none, or where it depends on features. */
  Optional<Tensor> presentMultiplier() {
    if (multiplier instanceof ExplicitMultiplier explicit) {
      return Optional.of(Released.requireOpen(explicit.weight(), multiplier));
    }
    return multiplier == null || multiplier.expectsConstraintFeatures()
        ? Optional.empty()
        : Optional.of(multiplier.forward(null));
  }

  /**
   * The multiplier's present value, of a constraint with one.
   *
   * @throws IllegalStateException as {@link #multiplierValues()}, or if there are more
   */
  public double multiplierValue() {
    double[] values = multiplierValues();
    if (values.length != 1) {
      throw new IllegalStateException(
          self() + " has " + values.length + " multipliers, not one; read multiplierValues()");
    }
    return values[0];
  }

  private String self() {
    return "constraint '" + name().orElse("?") + "'";
  }

  /** The penalty coefficient; empty for formulations without one. */
  public Optional<PenaltyCoefficient> penaltyCoefficient() {
    return Optional.ofNullable(penaltyCoefficient);
  }

  /** The name it was registered under; empty before that. */
  public Optional<String> name() {
    return Optional.ofNullable(name);
  }

  void setName(String name) {
    if (this.name != null) {
      throw new IllegalArgumentException(
          "constraint '"
              + this.name
              + "' is registered already; make another Constraint for '"
              + name
              + "'");
    }
    this.name = name;
  }

  /** Its problem was not made after all. */
  void forgetName() {
    name = null;
  }

  @Override
  public String toString() {
    StringBuilder text =
        new StringBuilder("Constraint(constraintType=" + constraintType)
            .append(", formulation=")
            .append(formulation);
    if (multiplier != null) {
      text.append(", multiplier=").append(multiplier);
    }
    if (penaltyCoefficient != null) {
      text.append(", penaltyCoefficient=").append(penaltyCoefficient);
    }
    return text.append(')').toString();
  }
}
