package org.cooper4j.formulations;

import org.cooper4j.ConstraintType;

/** A formulation whose gradient the native layer computes in closed form. */
abstract class ClosedForm extends Formulation {
  private final Kernel kernel;
  private final boolean multiplier;
  private final boolean penaltyCoefficient;

  ClosedForm(
      ConstraintType constraintType,
      Kernel kernel,
      boolean multiplier,
      boolean penaltyCoefficient) {
    super(constraintType);
    this.kernel = kernel;
    this.multiplier = multiplier;
    this.penaltyCoefficient = penaltyCoefficient;
  }

  @Override
  public final boolean expectsMultiplier() {
    return multiplier;
  }

  @Override
  public final boolean expectsPenaltyCoefficient() {
    return penaltyCoefficient;
  }

  @Override
  public final Kernel kernel() {
    return kernel;
  }
}
