package org.cooper4j;

import java.util.function.Supplier;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.multipliers.Multiplier;

/**
 * lo ≤ g(x) ≤ hi: two inequalities, {@code NAME_lower} with violation lo − g and {@code NAME_upper}
 * with violation g − hi, each with a multiplier of its own.
 */
public final class RangeConstraint {
  private final double lo;
  private final double hi;
  private final Constraint lower;
  private final Constraint upper;

  private RangeConstraint(double lo, double hi, Constraint lower, Constraint upper) {
    this.lo = lo;
    this.hi = hi;
    this.lower = lower;
    this.upper = upper;
  }

  /**
   * Registers both inequalities in a problem.
   *
   * @param multiplier makes a multiplier; called twice
   * @throws IllegalArgumentException unless lo ≤ hi
   */
  public static RangeConstraint register(
      ConstrainedMinimizationProblem<?> problem,
      String name,
      double lo,
      double hi,
      Supplier<? extends Multiplier> multiplier) {
    if (!(lo <= hi)) {
      throw new IllegalArgumentException(
          "range constraint '"
              + name
              + "': lo is "
              + lo
              + " and hi is "
              + hi
              + "; lo must be <= hi");
    }
    return new RangeConstraint(
        lo,
        hi,
        problem.register(name + "_lower", inequality(multiplier)),
        problem.register(name + "_upper", inequality(multiplier)));
  }

  private static Constraint inequality(Supplier<? extends Multiplier> multiplier) {
    return new Constraint(ConstraintType.INEQUALITY, multiplier.get());
  }

  /** The inequality lo − g ≤ 0. */
  public Constraint lower() {
    return lower;
  }

  /** The inequality g − hi ≤ 0. */
  public Constraint upper() {
    return upper;
  }

  /**
   * Observes both inequalities.
   *
   * @param state where they are added
   * @param g the value, a scalar or [num_constraints], differentiable in the primal variables
   * @return the state
   */
  public CMPState observe(CMPState state, Tensor g) {
    return state.observe(lower, g.neg().add(new Scalar(lo))).observe(upper, g.sub(new Scalar(hi)));
  }
}
