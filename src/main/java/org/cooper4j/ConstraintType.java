package org.cooper4j;

/** Whether a constraint reads g(x) ≤ 0 or h(x) = 0. Mirrors {@code cooper.ConstraintType}. */
public enum ConstraintType {
  /** h(x) = 0; its multiplier takes any sign. */
  EQUALITY,
  /** g(x) ≤ 0; its multiplier is never negative. */
  INEQUALITY
}
