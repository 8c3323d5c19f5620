package org.cooper4j;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.RollScope;
import org.cooper4j.internal.Tensors;

/**
 * The value of a problem at one point: loss, observed constraints, and what you want to keep.
 * Mirrors {@code cooper.CMPState}.
 */
public final class CMPState {
  /** The primal and the dual side of {@link CMPState#backward()}. */
  public record Lagrangians(LagrangianStore primal, LagrangianStore dual) {}

  static final String NO_CONSTRAINT =
      "the constraint is null; give one of those that the problem was made with";

  private Tensor loss;
  private final Map<Constraint, ConstraintState> observedConstraints = new LinkedHashMap<>();
  private final Map<String, Object> misc = new LinkedHashMap<>();
  private long samples = -1;
  private RollScope scope;

  private CMPState(Tensor loss) {
    this.loss = loss;
  }

  /**
   * A state with a loss.
   *
   * @param loss f(x), a scalar, differentiable in the primal variables
   * @throws NullPointerException if it is null
   */
  public static CMPState of(Tensor loss) {
    return new CMPState(
        Objects.requireNonNull(
            loss, "the loss is null; give a scalar tensor, or ofViolations() for a state without"));
  }

  /** A state without a loss, as {@code computeViolations} gives it. */
  public static CMPState ofViolations() {
    return new CMPState(null);
  }

  /** Adds an observed constraint; all that can be said of one. */
  public CMPState observe(Constraint constraint, ConstraintState state) {
    Objects.requireNonNull(constraint, NO_CONSTRAINT);
    if (state == null) {
      throw new NullPointerException(
          "the state of constraint '" + constraint.name().orElse("?") + "' is null");
    }
    if (observedConstraints.putIfAbsent(constraint, state) != null) {
      throw new IllegalArgumentException(
          "constraint '" + constraint.name().orElse("?") + "' was observed twice in one state");
    }
    return this;
  }

  /** Adds an observed constraint with nothing but a violation. */
  public CMPState observe(Constraint constraint, Tensor violation) {
    Objects.requireNonNull(constraint, NO_CONSTRAINT);
    if (violation == null) {
      throw new NullPointerException(
          "the violation of constraint '" + constraint.name().orElse("?") + "' is null");
    }
    return observe(constraint, ConstraintState.of(violation));
  }

  /**
   * Observes value ≤ bound: {@code observe} with the violation value − bound.
   *
   * @param constraint an inequality
   * @param value g(x), of a floating point dtype, [] or [m]
   * @param bound finite
   * @throws IllegalArgumentException naming the constraint if it is an equality, or what does not
   *     fit, as a sparse tensor; this state is as before
   * @throws NullPointerException if the constraint is null
   */
  public CMPState lessOrEqual(Constraint constraint, Tensor value, double bound) {
    return observe(constraint, Bound.LESS_OR_EQUAL.violation(constraint, value, bound));
  }

  /**
   * Observes value ≤ bound; the gradient flows through both.
   *
   * @param bound of value's shape, or one of both has a single element; on its device
   * @throws IllegalArgumentException as {@link #lessOrEqual(Constraint, Tensor, double)}
   */
  public CMPState lessOrEqual(Constraint constraint, Tensor value, Tensor bound) {
    return observe(constraint, Bound.LESS_OR_EQUAL.violation(constraint, value, bound));
  }

  /**
   * Observes value ≥ bound: {@code observe} with the violation bound − value.
   *
   * @throws IllegalArgumentException as {@link #lessOrEqual(Constraint, Tensor, double)}
   */
  public CMPState greaterOrEqual(Constraint constraint, Tensor value, double bound) {
    return observe(constraint, Bound.GREATER_OR_EQUAL.violation(constraint, value, bound));
  }

  /**
   * Observes value ≥ bound; the gradient flows through both.
   *
   * @param bound as of {@link #lessOrEqual(Constraint, Tensor, Tensor)}
   * @throws IllegalArgumentException as {@link #lessOrEqual(Constraint, Tensor, double)}
   */
  public CMPState greaterOrEqual(Constraint constraint, Tensor value, Tensor bound) {
    return observe(constraint, Bound.GREATER_OR_EQUAL.violation(constraint, value, bound));
  }

  /**
   * Observes value = bound: {@code observe} with the violation value − bound.
   *
   * @param constraint an equality
   * @throws IllegalArgumentException naming the constraint if it is an inequality, or what does not
   *     fit; this state is as before
   */
  public CMPState equal(Constraint constraint, Tensor value, double bound) {
    return observe(constraint, Bound.EQUAL.violation(constraint, value, bound));
  }

  /**
   * Observes value = bound; the gradient flows through both.
   *
   * @param bound as of {@link #lessOrEqual(Constraint, Tensor, Tensor)}
   * @throws IllegalArgumentException as {@link #equal(Constraint, Tensor, double)}
   */
  public CMPState equal(Constraint constraint, Tensor value, Tensor bound) {
    return observe(constraint, Bound.EQUAL.violation(constraint, value, bound));
  }

  /**
   * Says over how many samples loss and violations are means. It weighs this state where several
   * make up a whole, as in {@code CooperOptimizer.rollAccumulated}.
   *
   * @param samples at least 0; of a state without samples loss and means do not count
   */
  public CMPState samples(long samples) {
    if (samples < 0) {
      throw new IllegalArgumentException("samples is " + samples + "; expected at least 0");
    }
    this.samples = samples;
    return this;
  }

  /** Over how many samples loss and violations are means; empty if nobody said. */
  public OptionalLong samples() {
    return samples < 0 ? OptionalLong.empty() : OptionalLong.of(samples);
  }

  /**
   * Keeps a value that the loop wants to see, such as an accuracy. {@link RollValues#misc()} has it
   * if it is a number or a scalar tensor.
   */
  public CMPState misc(String key, Object value) {
    misc.put(key, value);
    return this;
  }

  /**
   * The loss f(x); empty in a state of violations alone.
   *
   * @throws IllegalStateException as every method here that gives tensors: if a roll made the state
   *     and another one has followed, or in another thread than the roll's
   */
  public Optional<Tensor> loss() {
    check();
    return Optional.ofNullable(loss);
  }

  /** The observed constraints, in the order of observation. */
  public Map<Constraint, ConstraintState> observedConstraints() {
    check();
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
    check();
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
   * A value of {@link #misc()}.
   *
   * @throws IllegalArgumentException if there is none under that key, or one of another type
   */
  public <T> T misc(String key, Class<T> type) {
    Object value = misc.get(key);
    if (!type.isInstance(value)) {
      throw new IllegalArgumentException(
          misc.containsKey(key)
              ? "misc '"
                  + key
                  + "' is "
                  + (value == null ? "null" : "a " + value.getClass().getSimpleName())
                  + ", not a "
                  + type.getSimpleName()
              : "no misc '" + key + "'; there are " + misc.keySet());
    }
    return type.cast(value);
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
   * Evaluates both Lagrangians; {@link LagrangianStore#backward()} of each then accumulates its
   * gradients, and the first one checks both, so that a step between them never has to be taken
   * back for what could be known before.
   *
   * @throws IllegalArgumentException as {@link #computePrimalLagrangian()}
   */
  public Lagrangians computeLagrangians() {
    return Terms.evaluate(this, true, true, false);
  }

  /**
   * Evaluates both Lagrangians and accumulates all gradients, in one native call: ∇ₓ in the primal
   * leaves, the negated dual gradients in the multipliers. A state without a loss, none of whose
   * constraints contributes to the primal update, has a dual side alone.
   *
   * @throws IllegalArgumentException as {@link #computePrimalLagrangian()}, or if what contributes
   *     to the primal update is not differentiable; before anything changed
   */
  public Lagrangians backward() {
    return Terms.evaluate(this, true, true, true);
  }

  /** From now on a part of a roll, with which its tensors end. */
  void belongTo(RollScope roll) {
    scope = roll;
  }

  /** Lets copies stand for values that a step would have changed. */
  void replace(Tensor ownLoss, Map<Constraint, ConstraintState> ownStates) {
    loss = ownLoss;
    observedConstraints.putAll(ownStates);
  }

  private void check() {
    if (scope != null) {
      scope.check("this CMPState");
    }
  }

  /** What it holds; no values, which might have to be waited for. */
  @Override
  public String toString() {
    if (scope != null && !scope.isReadable()) {
      return "CMPState(of another roll or thread)";
    }
    StringBuilder text = new StringBuilder("CMPState(");
    if (loss != null) {
      text.append("loss: ").append(Tensors.describe(loss));
    }
    observedConstraints.forEach(
        (constraint, state) ->
            text.append(text.length() > "CMPState(".length() ? ", " : "")
                .append(constraint.name().orElse("?"))
                .append(": ")
                .append(state));
    return text.append(')').toString();
  }
}
