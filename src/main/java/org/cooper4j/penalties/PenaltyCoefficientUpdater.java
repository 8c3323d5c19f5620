package org.cooper4j.penalties;

import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.internal.Released;
import org.cooper4j.internal.Tensors;

/**
 * Changes penalty coefficients after a roll. Mirrors {@code
 * cooper.penalty_coefficients.PenaltyCoefficientUpdater}.
 */
public abstract class PenaltyCoefficientUpdater {
  /** For subclasses. */
  protected PenaltyCoefficientUpdater() {}

  /**
   * Updates the coefficients of the observed constraints that have one. In formulations with
   * multipliers a constraint counts if it contributes to the dual update, or to the primal one with
   * a strict violation (a lone violation might be a surrogate); without multipliers, if it
   * contributes to the primal update.
   *
   * @param observedConstraints those of {@code rollOut.cmpState()}
   * @throws IllegalArgumentException naming the constraint whose coefficient cannot be updated: it
   *     and those after it were not, those before it were
   */
  public final void step(Map<Constraint, ConstraintState> observedConstraints) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      observedConstraints.forEach(
          (constraint, state) -> {
            if (constraint.penaltyCoefficient().isPresent() && counts(constraint, state)) {
              updatePenaltyCoefficient(constraint, state);
            }
          });
    }
  }

  /** Updates one coefficient in place; called without gradients, inside a PointerScope. */
  protected abstract void updatePenaltyCoefficient(Constraint constraint, ConstraintState state);

  /** A native call that updates a coefficient's tensor in place. */
  interface Update {
    /**
     * Updates it.
     *
     * @param violation what was observed, of the rows that features name
     * @param features int64 [n]; null if nothing is indexed
     */
    void of(Tensor coefficient, Tensor violation, Tensor features);
  }

  /**
   * Updates a coefficient from the violation that multipliers see: the strict one, if there is one.
   *
   * @param indexed what is indexed, and so needs features, for the message; null if nothing is
   * @throws IllegalArgumentException if tensors are missing or do not fit, naming the constraint
   */
  static void update(Constraint constraint, ConstraintState state, String indexed, Update update) {
    PenaltyCoefficient coefficient = constraint.penaltyCoefficient().orElseThrow();
    String self = "constraint '" + constraint.name().orElse("?") + "': ";
    Tensor features = null;
    if (indexed != null) {
      features =
          state
              .strictConstraintFeatures()
              .or(state::constraintFeatures)
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          self
                              + "its "
                              + indexed
                              + " is indexed, but the state has no constraint features"));
      Tensors.requireTensor(features, self + "the constraint features");
    }
    Tensor violation = state.strictViolation().orElse(state.violation());
    Tensors.requireTensor(violation, self + "the violation");
    Tensor value = Released.requireOpen(coefficient.value(), coefficient);
    try {
      update.of(value, violation, features);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(self + e.getMessage(), e);
    }
  }

  private static boolean counts(Constraint constraint, ConstraintState state) {
    if (!constraint.formulation().expectsMultiplier()) {
      return state.contributesToPrimalUpdate();
    }
    return state.contributesToDualUpdate()
        || (state.contributesToPrimalUpdate() && state.strictViolation().isPresent());
  }
}
