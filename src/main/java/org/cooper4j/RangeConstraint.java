package org.cooper4j;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.formulations.Formulation;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.internal.Tensors;
import org.cooper4j.multipliers.Multiplier;
import org.cooper4j.penalties.PenaltyCoefficient;

/**
 * lo ≤ g(x) ≤ hi: two inequalities, {@code NAME_lower} with violation lo − g and {@code NAME_upper}
 * with violation g − hi, each with a multiplier and a penalty coefficient of its own.
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

  /** Registers both inequalities in the {@link Lagrangian} formulation. */
  public static RangeConstraint register(
      ConstrainedMinimizationProblem<?> problem,
      String name,
      double lo,
      double hi,
      Supplier<? extends Multiplier> multiplier) {
    return register(problem, name, lo, hi, Lagrangian::new, multiplier, null);
  }

  /**
   * Registers both inequalities in any formulation.
   *
   * @param lo the lower bound, finite: a bound on one side is a {@link Constraint}
   * @param hi the upper bound, finite
   * @param formulationType a formulation's constructor, such as {@code AugmentedLagrangian::new}
   * @param multiplier makes a multiplier, another one each time; null if the formulation expects
   *     none
   * @param penaltyCoefficient makes a penalty coefficient, likewise
   * @throws IllegalArgumentException unless lo ≤ hi, both names are free, and each side has what
   *     its formulation expects for itself; the problem is as it was then
   */
  public static RangeConstraint register(
      ConstrainedMinimizationProblem<?> problem,
      String name,
      double lo,
      double hi,
      Function<ConstraintType, ? extends Formulation> formulationType,
      Supplier<? extends Multiplier> multiplier,
      Supplier<? extends PenaltyCoefficient> penaltyCoefficient) {
    String self = "range constraint '" + name + "': ";
    Objects.requireNonNull(name, "name");
    if (!Double.isFinite(lo) || !Double.isFinite(hi)) {
      throw new IllegalArgumentException(
          self
              + ("lo is " + lo + " and hi is " + hi)
              + "; both must be finite; register a Constraint if there is one bound only");
    }
    if (lo > hi) {
      throw new IllegalArgumentException(
          self + "lo is " + lo + " and hi is " + hi + "; lo must be <= hi");
    }
    Map<String, Constraint> taken = problem.namedConstraints();
    for (String side : new String[] {name + "_lower", name + "_upper"}) {
      if (taken.containsKey(side)) {
        throw new IllegalArgumentException(
            "a constraint named '" + side + "' is registered already; choose another name");
      }
    }
    Constraint[] sides = new Constraint[2];
    for (int i = 0; i < 2; i++) {
      sides[i] =
          new Constraint(
              ConstraintType.INEQUALITY,
              formulationType,
              multiplier == null ? null : multiplier.get(),
              penaltyCoefficient == null ? null : penaltyCoefficient.get());
    }
    requireTwo(self, "multiplier", sides, Constraint::multiplier);
    requireTwo(self, "penalty coefficient", sides, Constraint::penaltyCoefficient);
    return new RangeConstraint(
        lo,
        hi,
        problem.register(name + "_lower", sides[0]),
        problem.register(name + "_upper", sides[1]));
  }

  private static void requireTwo(
      String self, String what, Constraint[] sides, Function<Constraint, Optional<?>> part) {
    Object first = part.apply(sides[0]).orElse(null);
    if (first != null && first == part.apply(sides[1]).orElse(null)) {
      throw new IllegalArgumentException(
          self
              + ("both sides were given the same " + what)
              + "; its supplier must make a new one each time");
    }
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
    return observe(state, ConstraintState.of(g));
  }

  /**
   * Observes both inequalities with more than a value.
   *
   * @param state where they are added
   * @param g a state whose violation and strict violation are the value itself, not yet compared
   *     with the bounds; the rest holds for both inequalities
   * @return the state
   */
  public CMPState observe(CMPState state, ConstraintState g) {
    ConstraintState below = side(g, lower, value -> value.neg().add(new Scalar(lo)));
    ConstraintState above = side(g, upper, value -> value.sub(new Scalar(hi)));
    return state.observe(lower, below).observe(upper, above);
  }

  private static ConstraintState side(
      ConstraintState g, Constraint constraint, UnaryOperator<Tensor> violation) {
    g.strictViolation().ifPresent(strict -> Tensors.requireTensor(strict, "the strict value"));
    Tensors.requireTensor(g.violation(), "the value");
    return ConstraintState.builder(violation.apply(g.violation()))
        .constraintFeatures(g.constraintFeatures().orElse(null))
        .strictViolation(g.strictViolation().map(violation).orElse(null))
        .strictConstraintFeatures(g.strictConstraintFeatures().orElse(null))
        .contributesToPrimalUpdate(g.contributesToPrimalUpdate())
        .contributesToDualUpdate(
            g.contributesToDualUpdate() && constraint.formulation().expectsMultiplier())
        .build();
  }
}
