package org.cooper4j;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/**
 * The value of a problem at one point: loss, observed constraints, and what you want to keep.
 * Mirrors {@code cooper.CMPState}.
 */
public final class CMPState {
  /** The primal and the dual side of {@link CMPState#backward()}. */
  public record Lagrangians(LagrangianStore primal, LagrangianStore dual) {}

  private final Tensor loss;
  private final Map<Constraint, ConstraintState> observedConstraints = new LinkedHashMap<>();
  private final Map<String, Object> misc = new LinkedHashMap<>();

  private CMPState(Tensor loss) {
    this.loss = loss;
  }

  /**
   * A state with a loss.
   *
   * @param loss f(x), a scalar, differentiable in the primal variables
   */
  public static CMPState of(Tensor loss) {
    return new CMPState(Objects.requireNonNull(loss, "loss"));
  }

  /** A state without a loss, as {@code computeViolations} gives it. */
  public static CMPState ofViolations() {
    return new CMPState(null);
  }

  /** Adds an observed constraint. */
  public CMPState observe(Constraint constraint, ConstraintState state) {
    Objects.requireNonNull(state, "state");
    if (observedConstraints.putIfAbsent(constraint, state) != null) {
      throw new IllegalArgumentException(
          "constraint '" + constraint.name().orElse("?") + "' was observed twice in one state");
    }
    return this;
  }

  /** Adds an observed constraint with nothing but a violation. */
  public CMPState observe(Constraint constraint, Tensor violation) {
    return observe(constraint, ConstraintState.of(violation));
  }

  /** Keeps a value that the loop wants to see, such as an accuracy. */
  public CMPState misc(String key, Object value) {
    misc.put(key, value);
    return this;
  }

  /** The loss f(x); empty in a state of violations alone. */
  public Optional<Tensor> loss() {
    return Optional.ofNullable(loss);
  }

  /** The observed constraints, in the order of observation. */
  public Map<Constraint, ConstraintState> observedConstraints() {
    return Collections.unmodifiableMap(observedConstraints);
  }

  /** The violations by their constraints' names, in the order of observation. */
  public Map<String, Tensor> namedObservedViolations() {
    return named(state -> Optional.of(state.violation()));
  }

  /** The strict violations by name, of the constraints that gave one. */
  public Map<String, Tensor> namedObservedStrictViolations() {
    return named(ConstraintState::strictViolation);
  }

  /** The constraint features by name, of the constraints that gave them. */
  public Map<String, Tensor> namedObservedConstraintFeatures() {
    return named(ConstraintState::constraintFeatures);
  }

  /** The features of the strict violations by name, of the constraints that gave them. */
  public Map<String, Tensor> namedObservedStrictConstraintFeatures() {
    return named(ConstraintState::strictConstraintFeatures);
  }

  private Map<String, Tensor> named(Function<ConstraintState, Optional<Tensor>> part) {
    Map<String, Tensor> named = new LinkedHashMap<>();
    observedConstraints.forEach(
        (constraint, state) ->
            part.apply(state)
                .ifPresent(tensor -> named.put(constraint.name().orElse("?"), tensor)));
    return named;
  }

  /** What {@link #misc(String, Object)} kept. */
  public Map<String, Object> misc() {
    return Collections.unmodifiableMap(misc);
  }

  /**
   * Evaluates the primal Lagrangian: the loss plus each constraint's contribution. Mirrors {@code
   * CMPState.compute_primal_lagrangian}.
   *
   * @throws IllegalArgumentException naming the constraint whose shapes, dtypes, devices or values
   *     do not fit
   */
  public LagrangianStore computePrimalLagrangian() {
    return Terms.evaluate(this, true, false, false).primal();
  }

  /**
   * Evaluates the dual Lagrangian, Σ multiplierᵀ violation. Mirrors {@code
   * CMPState.compute_dual_lagrangian}.
   *
   * @throws IllegalArgumentException as {@link #computePrimalLagrangian()}
   */
  public LagrangianStore computeDualLagrangian() {
    return Terms.evaluate(this, false, true, false).dual();
  }

  /**
   * Evaluates both Lagrangians and accumulates all gradients, in one native call: ∇ₓ in the primal
   * leaves, the negated dual gradients in the multipliers.
   *
   * @throws IllegalArgumentException as {@link #computePrimalLagrangian()}, before anything changed
   */
  public Lagrangians backward() {
    return Terms.evaluate(this, true, true, true);
  }
}
