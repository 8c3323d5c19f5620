package org.cooper4j.penalties;

import java.util.Objects;
import java.util.function.DoubleSupplier;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.formulations.PenaltyBarrier;
import org.cooper4j.internal.Native;
import org.cooper4j.multipliers.ExplicitMultiplier;
import org.cooper4j.multipliers.Multiplier;

/**
 * Changes the coefficients p of {@link PenaltyBarrier} constraints, of which smaller ones are
 * stricter; others it leaves alone. The rules are those of humancompatible-train's {@code PBM}; K
 * may change from update to update, for example with a {@code ScheduledValue}, which has a state
 * dict of its own:
 *
 * <pre>{@code
 * var k = new ScheduledValue(0.1, (k0, epoch) -> 1 - 1 / (Math.sqrt(epoch) + 1 / (1 - k0)));
 * var updater = new PenaltyBarrierUpdater(ADAPT, k::value).range(0.1, 1);
 * }</pre>
 */
public final class PenaltyBarrierUpdater extends PenaltyCoefficientUpdater {
  /** How p becomes another. */
  public enum Rule {
    /** p ← K p */
    DIMINISH,
    /** p ← K λ p */
    DIMINISH_BY_MULTIPLIER,
    /** p ← K p + (1 − K) p / d, with d = φ′(g), times δ where that is at least 1 */
    ADAPT,
    /** p ← p + 0.1 of satisfied constraints, K p of violated ones */
    ADDITIVE_INCREASE,
    /** p ← K λ, which is an augmented Lagrangian as long as the range lets it be */
    PROPORTIONAL
  }

  private final Rule rule;
  private final DoubleSupplier factor;
  private double delta = 1;
  private double lower = 0.1;
  private double upper = 1;

  /** With a K that stays. */
  public PenaltyBarrierUpdater(Rule rule, double factor) {
    this(rule, () -> factor);
    FeasibilityDrivenPenaltyCoefficientUpdater.requireFinite(factor, "factor");
  }

  /**
   * With a K that is asked for at every update.
   *
   * @param factor gives K, finite and not negative
   */
  public PenaltyBarrierUpdater(Rule rule, DoubleSupplier factor) {
    this.rule = Objects.requireNonNull(rule, "rule");
    this.factor = Objects.requireNonNull(factor, "factor");
  }

  /**
   * δ of {@link Rule#ADAPT}; 1 unless set. Above 1 coefficients of violated constraints fall
   * faster.
   *
   * @param delta finite and above 0
   */
  public PenaltyBarrierUpdater delta(double delta) {
    if (!(delta > 0) || Double.isInfinite(delta)) {
      throw new IllegalArgumentException("delta is " + delta + "; it must be finite and > 0");
    }
    this.delta = delta;
    return this;
  }

  /**
   * What the coefficients stay in; [0.1, 1] unless set. A smaller lower bound is stricter, and
   * makes the problem stiffer by 1/lower.
   *
   * @param lower above 0
   * @param upper at least that
   */
  public PenaltyBarrierUpdater range(double lower, double upper) {
    if (!(lower > 0 && lower <= upper)) {
      throw new IllegalArgumentException(
          "the range is [" + lower + ", " + upper + "]; expected 0 < lower <= upper");
    }
    this.lower = lower;
    this.upper = upper;
    return this;
  }

  @Override
  @SuppressWarnings("EnumOrdinal") // the native layer knows rules and formulations by number
  protected void updatePenaltyCoefficient(Constraint constraint, ConstraintState state) {
    if (!(constraint.formulation() instanceof PenaltyBarrier formulation)) {
      return;
    }
    Multiplier multiplier = constraint.multiplier().orElseThrow();
    if (!(multiplier instanceof ExplicitMultiplier explicit)) {
      throw new IllegalArgumentException(
          "constraint '"
              + constraint.name().orElse("?")
              + "': its multiplier is computed by a module; PenaltyBarrierUpdater takes a"
              + " DenseMultiplier or an IndexedMultiplier");
    }
    update(
        constraint,
        state,
        explicit.expectsConstraintFeatures() ? "multiplier" : null,
        (value, violation, features) ->
            Native.updateBarrierPenalty(
                value,
                explicit.weight(),
                violation,
                features,
                formulation.kernel().ordinal(),
                rule.ordinal(),
                factor.getAsDouble(),
                delta,
                lower,
                upper));
  }
}
