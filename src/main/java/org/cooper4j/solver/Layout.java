package org.cooper4j.solver;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.internal.Readout;
import org.cooper4j.internal.Tensors;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.Multiplier;

/** All constraints of a problem in one vector [m], in the order of their registration. */
final class Layout {
  private final Map<Constraint, Integer> sizes = new LinkedHashMap<>();
  private final Tensor like;
  private final int m;

  /**
   * The layout of what a state observed.
   *
   * @param like whose dtype and device the vector has
   * @throws IllegalArgumentException naming the constraint that a solver cannot take
   */
  Layout(ConstrainedMinimizationProblem<?> problem, CMPState state, Tensor like) {
    this.like = like;
    Map<Multiplier, Constraint> owners = new HashMap<>();
    Map<Constraint, ConstraintState> observed = state.observedConstraints();
    Set<Constraint> registered = new LinkedHashSet<>(problem.constraints());
    for (Constraint constraint : observed.keySet()) {
      if (!registered.contains(constraint)) {
        throw refusal(
            constraint,
            "it was observed, but is not registered in this problem; call register(name,"
                + " constraint), and observe what it returns");
      }
    }
    int total = 0;
    for (Constraint constraint : registered) {
      ConstraintState at = observed.get(constraint);
      if (at == null) {
        throw refusal(
            constraint,
            "it is registered, but was not observed; a solver needs every constraint at every"
                + " point");
      }
      int size = check(constraint, at);
      constraint
          .multiplier()
          .ifPresent(
              multiplier -> {
                Constraint other = owners.put(multiplier, constraint);
                if (other != null) {
                  throw refusal(
                      constraint,
                      "it shares its multiplier with '"
                          + name(other)
                          + "'; a KKT point has one for each: give it its own");
                }
              });
      sizes.put(constraint, size);
      total = Math.addExact(total, size);
    }
    m = total;
  }

  private static void requireViolation(Constraint constraint, ConstraintState state) {
    Tensors.requireTensor(
        state.violation(), "constraint '" + name(constraint) + "': the violation");
  }

  private static int check(Constraint constraint, ConstraintState state) {
    Tensor violation = state.violation();
    requireViolation(constraint, state);
    if (state.strictViolation().isPresent()) {
      throw refusal(
          constraint,
          "it has a strict violation; a solver takes one differentiable function a constraint:"
              + " leave it out, or train with an optimizer");
    }
    if (state.constraintFeatures().isPresent()) {
      throw refusal(
          constraint,
          "it has constraint features, so that a point observes a part of it; a solver needs all:"
              + " give it a DenseMultiplier, or train with an optimizer");
    }
    Multiplier multiplier = constraint.multiplier().orElse(null);
    if (multiplier != null && !(multiplier instanceof DenseMultiplier)) {
      throw refusal(
          constraint,
          "its multiplier is a "
              + multiplier.getClass().getSimpleName()
              + "; a solver finds the values of a DenseMultiplier: give it one, or train with an"
              + " optimizer");
    }
    if (!state.contributesToPrimalUpdate()
        || (multiplier != null && !state.contributesToDualUpdate())) {
      throw refusal(
          constraint,
          "it contributes to the "
              + (state.contributesToPrimalUpdate() ? "primal" : "dual")
              + " update alone; a solver needs constraints of both sides");
    }
    if (!Tensors.isFloatingPoint(violation) || violation.dim() > 1 || violation.numel() == 0) {
      throw refusal(
          constraint,
          "its violation is "
              + Tensors.describe(violation)
              + "; expected a floating point scalar, or [num_constraints] with at least one");
    }
    int size = Math.toIntExact(violation.numel());
    if (multiplier instanceof DenseMultiplier dense) {
      if (dense.numConstraints() != size) {
        throw refusal(
            constraint,
            "violation has shape "
                + Tensors.shape(violation)
                + ", multiplier has "
                + dense.numConstraints()
                + " elements; give the multiplier num_constraints = "
                + size);
      }
      double floor =
          constraint.constraintType() == ConstraintType.INEQUALITY ? 0 : Double.NEGATIVE_INFINITY;
      if (dense.lower() > floor || dense.upper() < Double.POSITIVE_INFINITY) {
        throw refusal(
            constraint,
            "its multiplier is kept in ["
                + dense.lower()
                + ", "
                + dense.upper()
                + "]; a solver finds the value that a KKT point has, wherever it is: take the range"
                + " off with clamp(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY)");
      }
      if (!dense.weight().requires_grad()) {
        throw refusal(
            constraint,
            "its multiplier is frozen; a solver finds its value: call requires_grad_(true) on it");
      }
    }
    return size;
  }

  private static IllegalArgumentException refusal(Constraint constraint, String why) {
    return new IllegalArgumentException("constraint '" + name(constraint) + "': " + why);
  }

  private static String name(Constraint constraint) {
    return constraint.name().orElse("?");
  }

  /** How many constraints there are. */
  int size() {
    return m;
  }

  /** The constraints, and how many entries each has. */
  Map<Constraint, Integer> sizes() {
    return sizes;
  }

  /** 0 for inequalities, whose multipliers are at least that, −∞ for equalities. */
  Tensor floor() {
    double[] floor = new double[m];
    int at = 0;
    for (Map.Entry<Constraint, Integer> entry : sizes.entrySet()) {
      boolean equality = entry.getKey().constraintType() == ConstraintType.EQUALITY;
      Arrays.fill(floor, at, at += entry.getValue(), equality ? Double.NEGATIVE_INFINITY : 0);
    }
    return vector(floor);
  }

  /** Numbers as a vector like those of violations. */
  Tensor vector(double[] values) {
    return Tensor.create(values, values.length).to(like.device(), like.scalar_type());
  }

  /**
   * The violations of another point, differentiable, by their constraints.
   *
   * @throws IllegalStateException if it observed something else than the first one
   */
  List<Tensor> violations(CMPState state) {
    Map<Constraint, ConstraintState> observed = state.observedConstraints();
    List<Tensor> parts = new ArrayList<>();
    sizes.forEach(
        (constraint, size) -> {
          ConstraintState at = observed.get(constraint);
          if (at != null) {
            requireViolation(constraint, at);
          }
          if (at == null || at.violation().numel() != size) {
            throw new IllegalStateException(
                "constraint '"
                    + name(constraint)
                    + "' had "
                    + size
                    + " entries at the start, and now "
                    + (at == null ? "was not observed" : "has " + at.violation().numel())
                    + "; a solver needs the same ones at every point");
          }
          parts.add(at.violation().to(like.device(), like.scalar_type()).flatten());
        });
    if (observed.size() != sizes.size()) {
      throw new IllegalStateException(
          "a constraint was observed that was not there at the start; a solver needs the same ones"
              + " at every point");
    }
    return parts;
  }

  /** Vectors of the constraints as one. */
  Tensor join(List<Tensor> parts) {
    return parts.isEmpty()
        ? torch.zeros(new long[] {0}, like.options())
        : torch.cat(new TensorVector(parts.toArray(new Tensor[0])));
  }

  /**
   * What the constraints' own multipliers are; 0 where there is none.
   *
   * @throws IllegalArgumentException naming the constraint whose multiplier is not finite
   */
  Tensor ownMultipliers() {
    List<Tensor> parts = new ArrayList<>();
    sizes.forEach(
        (constraint, size) ->
            parts.add(
                own(constraint) == null
                    ? torch.zeros(new long[] {size}, like.options())
                    : own(constraint).detach().to(like.device(), like.scalar_type())));
    Tensor joined = join(parts);
    if (!joined.isfinite().all().item_bool()) {
      named(Readout.values(joined)).forEach(Layout::requireFinite);
    }
    return joined;
  }

  private static void requireFinite(String name, double[] multipliers) {
    for (double multiplier : multipliers) {
      if (!Double.isFinite(multiplier)) {
        throw new IllegalArgumentException(
            "constraint '"
                + name
                + "': its multiplier is "
                + multiplier
                + "; a solver starts from it: set it to a finite value, such as 0");
      }
    }
  }

  /** Writes multipliers, by their constraints' names, into these. */
  void writeMultipliers(Map<String, double[]> values) {
    for (Constraint constraint : sizes.keySet()) {
      double[] own = values.get(name(constraint));
      if (own(constraint) != null) {
        Tensors.copyInto(own(constraint), Tensor.create(own, own.length));
      }
    }
  }

  private static Tensor own(Constraint constraint) {
    return constraint.multiplier().map(multiplier -> multiplier.parameters().get(0)).orElse(null);
  }

  /** A vector's parts by the constraints' names. */
  Map<String, double[]> named(double[] values) {
    Map<String, double[]> named = new LinkedHashMap<>();
    int at = 0;
    for (Map.Entry<Constraint, Integer> entry : sizes.entrySet()) {
      named.put(name(entry.getKey()), Arrays.copyOfRange(values, at, at += entry.getValue()));
    }
    return named;
  }

  /** The vector that these are the parts of. */
  double[] joined(Map<String, double[]> named) {
    return sizes.keySet().stream()
        .flatMapToDouble(constraint -> Arrays.stream(named.get(name(constraint))))
        .toArray();
  }
}
