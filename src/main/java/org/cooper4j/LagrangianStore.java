package org.cooper4j;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Evaluation;
import org.cooper4j.internal.RollScope;

/**
 * The primal or dual Lagrangian at one point, with the multiplier and penalty values it was
 * computed from. Mirrors {@code cooper.LagrangianStore}.
 *
 * <p>Values are computed when read, and are those of the evaluated point. A store of a {@code roll}
 * lives until the next roll, for the thread that rolled; afterwards and elsewhere its methods throw
 * IllegalStateException.
 */
public final class LagrangianStore {
  private final Evaluation evaluation;
  private final List<Constraint> constraints;
  private final boolean primal;
  private final RollScope roll = RollScope.current();
  private final PointerScope scope = roll != null ? roll : PointerScope.getInnerScope();

  LagrangianStore(Evaluation evaluation, List<Constraint> constraints, boolean primal) {
    this.evaluation = evaluation;
    this.constraints = constraints;
    this.primal = primal;
  }

  /** A store of nothing, as unconstrained problems have for their dual side. */
  public static LagrangianStore empty() {
    return new LagrangianStore(null, List.of(), false);
  }

  /**
   * The value of the Lagrangian, a scalar; empty when nothing contributes. On the primal side it is
   * differentiable until {@link #backward()} ran.
   */
  public Optional<Tensor> lagrangian() {
    return evaluation == null ? Optional.empty() : present(live().lagrangian(primal));
  }

  /**
   * Accumulates the gradients of this Lagrangian: of the primal one into the primal leaves, of the
   * dual one, negated for optimizers that descend, into the multipliers. Does nothing where nothing
   * contributes.
   *
   * @throws IllegalArgumentException if what contributes to the primal update is not
   *     differentiable, before anything changed
   */
  public void backward() {
    if (evaluation != null) {
      try {
        live().backward(primal);
      } catch (IllegalArgumentException e) {
        throw Terms.named(e, constraints);
      }
    }
  }

  /**
   * Accumulates the subgradient of the largest violation, if it is above a tolerance, else the
   * gradient of the loss: the choice of {@code SwitchingSubgradientOptimizer}. Of the primal store.
   *
   * @param tolerance in the violations' unit
   * @param scale of the violation's subgradient
   * @return whether it was the violation's
   * @throws IllegalArgumentException as {@link #backward()}
   */
  public boolean backwardSwitched(double tolerance, double scale) {
    try {
      return live().backwardSwitched(tolerance, scale);
    } catch (IllegalArgumentException e) {
      throw Terms.named(e, constraints);
    }
  }

  /** The multipliers' values [m], detached, of the constraints that contribute and have one. */
  public Map<Constraint, Tensor> multiplierValues() {
    return values(k -> live().multiplier(k, primal));
  }

  /** The penalty coefficients' values [m], of the constraints that contribute and have one. */
  public Map<Constraint, Tensor> penaltyCoefficientValues() {
    return values(k -> live().penalty(k, primal));
  }

  /** What {@link #multiplierValues()} maps to. */
  public Collection<Tensor> observedMultiplierValues() {
    return multiplierValues().values();
  }

  /** What {@link #penaltyCoefficientValues()} maps to. */
  public Collection<Tensor> observedPenaltyCoefficientValues() {
    return penaltyCoefficientValues().values();
  }

  private Map<Constraint, Tensor> values(IntFunction<Tensor> read) {
    Map<Constraint, Tensor> values = new LinkedHashMap<>();
    for (int k = 0; k < constraints.size(); k++) {
      Constraint constraint = constraints.get(k);
      present(read.apply(k)).ifPresent(value -> values.put(constraint, value));
    }
    return Collections.unmodifiableMap(values);
  }

  /** Null in a store of nothing. */
  Evaluation evaluation() {
    return evaluation == null ? null : live();
  }

  List<Constraint> constraints() {
    return constraints;
  }

  private Evaluation live() {
    if (roll != null) {
      roll.check("this LagrangianStore");
    }
    if (evaluation.isNull()) {
      throw new IllegalStateException(
          "this LagrangianStore was released with the PointerScope that it was made in");
    }
    return evaluation;
  }

  /** What it holds; no values, which might have to be waited for. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(primal ? "primal" : "dual").append(" LagrangianStore(");
    for (int k = 0; k < constraints.size(); k++) {
      text.append(k == 0 ? "" : ", ").append(constraints.get(k).name().orElse("?"));
    }
    return text.append(')').toString();
  }

  /** Ties what is read after the roll to the roll's temporaries. */
  private Optional<Tensor> present(Tensor tensor) {
    if (scope != null && scope != PointerScope.getInnerScope()) {
      scope.attach(tensor);
    }
    return tensor.defined() ? Optional.of(tensor) : Optional.empty();
  }
}
