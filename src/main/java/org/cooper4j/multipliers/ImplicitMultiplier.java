package org.cooper4j.multipliers;

/**
 * Multipliers computed from the constraints' features by a module of your own: override {@link
 * #forward}, {@link #parameters} and {@link #postStep}. {@code forward} keeps inequalities' values
 * non-negative, best by softplus: a relu that is 0 has no gradient, so that violations never move
 * such a multiplier, unless the value before it starts positive, by a bias for example. Mirrors
 * {@code cooper.multipliers.ImplicitMultiplier}; see {@link ModuleMultiplier} for a LibTorch
 * module.
 */
public abstract class ImplicitMultiplier extends Multiplier {
  /** For subclasses. */
  protected ImplicitMultiplier() {}

  @Override
  public boolean expectsConstraintFeatures() {
    return true;
  }

  @Override
  public void postStep() {}
}
