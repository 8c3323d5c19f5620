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

  /** What the native layer makes of a coefficient and of what was observed. */
  interface Update {
    /** Of a lone violation, unless features say which rows it is of; null without. */
    void of(Tensor coefficient, Tensor violation, Tensor features);
  }

  /**
   * Updates a coefficient from what the multipliers see.
   *
   * @param indexed what is indexed, so that features are needed; null if nothing is
   * @throws IllegalArgumentException naming the constraint
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
