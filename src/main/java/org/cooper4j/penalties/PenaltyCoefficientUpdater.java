package org.cooper4j.penalties;

import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;

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

  private static boolean counts(Constraint constraint, ConstraintState state) {
    if (!constraint.formulation().expectsMultiplier()) {
      return state.contributesToPrimalUpdate();
    }
    return state.contributesToDualUpdate()
        || (state.contributesToPrimalUpdate() && state.strictViolation().isPresent());
  }
}
