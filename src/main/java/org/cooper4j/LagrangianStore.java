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

/**
 * The primal or dual Lagrangian at one point, with the multiplier and penalty values it was
 * computed from. Mirrors {@code cooper.LagrangianStore}.
 *
 * <p>Values are computed when read. A store of a {@code roll} lives until the next roll.
 */
public final class LagrangianStore {
  private final Evaluation evaluation;
  private final List<Constraint> constraints;
  private final boolean primal;
  private final PointerScope scope = PointerScope.getInnerScope();

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
   * dual one, negated for optimizers that descend, into the multipliers.
   */
  public void backward() {
    if (evaluation != null) {
      live().backward();
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

  private Evaluation live() {
    if (evaluation.isNull()) {
      throw new IllegalStateException(
          "this LagrangianStore was released by the next roll; read it before rolling again");
    }
    return evaluation;
  }

  /** Ties what is read after the roll to the roll's temporaries. */
  private Optional<Tensor> present(Tensor tensor) {
    if (scope != null && scope != PointerScope.getInnerScope()) {
      scope.attach(tensor);
    }
    return tensor.defined() ? Optional.of(tensor) : Optional.empty();
  }
}
