package org.cooper4j;

import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;

import java.util.Arrays;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Native;
import org.cooper4j.internal.Tensors;

/** How a value is bounded, and the violation of that. */
enum Bound {
  LESS_OR_EQUAL("lessOrEqual", INEQUALITY),
  GREATER_OR_EQUAL("greaterOrEqual", INEQUALITY),
  EQUAL("equal", EQUALITY);

  private final String method;
  private final ConstraintType type;

  Bound(String method, ConstraintType type) {
    this.method = method;
    this.type = type;
  }

  Tensor violation(Constraint constraint, Tensor value, double bound) {
    check(constraint, value);
    if (!Double.isFinite(bound)) {
      throw new IllegalArgumentException(
          self(constraint) + ": the bound is " + bound + "; expected a finite number");
    }
    return this == GREATER_OR_EQUAL ? Native.below(value, bound) : Native.above(value, bound);
  }

  Tensor violation(Constraint constraint, Tensor value, Tensor bound) {
    check(constraint, value);
    String self = self(constraint) + ": ";
    Tensors.requireTensor(bound, self + "the bound");
    Tensors.requireFloatingPoint(bound, self + "the bound");
    requireDense(bound, self + "the bound");
    if (!fits(value, bound)) {
      throw new IllegalArgumentException(
          self
              + "its value has shape "
              + Tensors.shape(value)
              + ", the bound "
              + Tensors.shape(bound)
              + "; give both the same, or one of them a single element");
    }
    if (!value.device().equals(bound.device())) {
      throw new IllegalArgumentException(
          self
              + "its value is on "
              + value.device().str().getString()
              + ", the bound on "
              + bound.device().str().getString()
              + "; move one of them");
    }
    return this == GREATER_OR_EQUAL ? bound.sub(value) : value.sub(bound);
  }

  /** Other shapes would broadcast to a matrix of violations, or to nothing. */
  private static boolean fits(Tensor value, Tensor bound) {
    return Arrays.equals(value.shape(), bound.shape()) || isSingle(value) || isSingle(bound);
  }

  private static boolean isSingle(Tensor tensor) {
    return tensor.dim() <= 1 && tensor.numel() == 1;
  }

  private static String self(Constraint constraint) {
    return "constraint '" + constraint.name().orElse("?") + "'";
  }

  private static void requireDense(Tensor tensor, String what) {
    if (!Tensors.isDense(tensor)) {
      throw new IllegalArgumentException(
          what + " is a sparse tensor; give a dense one, as to_dense() makes it");
    }
  }

  private void check(Constraint constraint, Tensor value) {
    Objects.requireNonNull(constraint, CMPState.NO_CONSTRAINT);
    if (constraint.constraintType() != type) {
      throw new IllegalArgumentException(
          self(constraint)
              + " is an "
              + constraint.constraintType()
              + ", but "
              + method
              + " observes an "
              + type
              + "; use "
              + (type == EQUALITY ? "lessOrEqual or greaterOrEqual" : "equal")
              + ", or make it a Constraint("
              + type
              + ", …)");
    }
    if (!Tensors.hasValues(value) || !Tensors.isFloatingPoint(value)) {
      String what = self(constraint) + ": its value";
      Tensors.requireTensor(value, what);
      Tensors.requireFloatingPoint(value, what);
    }
    if (!Tensors.isDense(value)) {
      requireDense(value, self(constraint) + ": its value");
    }
  }
}
