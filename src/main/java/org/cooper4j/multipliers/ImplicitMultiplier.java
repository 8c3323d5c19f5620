package org.cooper4j.multipliers;

/**
 * Multipliers computed from the constraints' features by a module of your own: override {@link
 * #forward} (keep inequalities' values non-negative, for example by relu), {@link #parameters} and
 * {@link #postStep}. Mirrors {@code cooper.multipliers.ImplicitMultiplier}; see {@link
 * ModuleMultiplier} for a LibTorch module.
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
