package org.cooper4j.comparison;

import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;

/** What an algorithm makes of a task's constraints: formulation, multiplier, penalty. */
@FunctionalInterface
public interface Constraints {
  /** A constraint of so many elements, for violations of a dtype. */
  Constraint of(ConstraintType type, long size, ScalarType dtype);
}
