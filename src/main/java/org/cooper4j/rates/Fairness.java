package org.cooper4j.rates;

import java.util.List;
import java.util.function.Function;

/**
 * Notions of fairness between groups: which rates have to be equal.
 *
 * <pre>{@code
 * RateContext byAge = RateContext.of(logits, labels).groupBy(age, 5);
 * state.observe(odds, Fairness.EQUALISED_ODDS.deviations(byAge).within(0.05));
 * }</pre>
 */
public enum Fairness {
  /** As many of each group are predicted positive (Calders et al., ICDMW 2009). Needs no labels. */
  DEMOGRAPHIC_PARITY(Rates::positivePredictionRate),
  /** As many of each group's positives are found (Hardt, Price and Srebro, NeurIPS 2016). */
  EQUAL_OPPORTUNITY(Rates::truePositiveRate),
  /** That, and as many of each group's negatives are taken for positive (ibid.). */
  EQUALISED_ODDS(Rates::truePositiveRate, Rates::falsePositiveRate),
  /** As many of each group's positive predictions are right (Chouldechova, Big Data 2017). */
  PREDICTIVE_PARITY(Rates::precision),
  /** As many of each group's predictions are right (Berk et al., 2018). */
  ACCURACY_PARITY(Rates::accuracy);

  private final List<Function<RateContext, Rate>> rates;

  @SafeVarargs
  Fairness(Function<RateContext, Rate>... rates) {
    this.rates = List.of(rates);
  }

  /** The rates that have to be equal: {@code [K]} each. */
  public List<Rate> rates(RateContext context) {
    requireGroups(context);
    return rates.stream().map(rate -> rate.apply(context)).toList();
  }

  /**
   * How far each group's rate is from that of everybody, signed: {@code [K]}, for equalised odds
   * {@code [2K]}, true positive rates first. {@code within(ε)} gives each group multipliers of its
   * own, and keeps any two groups within 2ε of each other.
   */
  public Rate deviations(RateContext context) {
    requireGroups(context);
    RateContext everybody = context.ungrouped();
    return rates.stream()
        .map(rate -> rate.apply(context).minus(rate.apply(everybody)))
        .reduce(Rate::and)
        .orElseThrow();
  }

  /**
   * The largest difference between two groups, a scalar in [0, 1]; of equalised odds, the larger of
   * both. What fairlearn's metrics of these names, such as {@code demographic_parity_difference},
   * give; groups of nobody are left out.
   */
  public Rate difference(RateContext context) {
    return rates(context).stream()
        .map(Rate::difference)
        .reduce((a, b) -> a.and(b).max())
        .orElseThrow();
  }

  /**
   * The smallest ratio between two groups, a scalar in [0, 1]; of equalised odds, the smaller of
   * both: at least 0.8 by the four-fifths rule of the US Uniform Guidelines on Employee Selection
   * Procedures (29 CFR 1607.4). NaN if all rates are 0.
   */
  public Rate ratio(RateContext context) {
    return rates(context).stream().map(Rate::ratio).reduce((a, b) -> a.and(b).min()).orElseThrow();
  }

  private static void requireGroups(RateContext context) {
    if (context.groupNames().isEmpty()) {
      throw new IllegalArgumentException(
          "fairness is between groups; split the context with groupBy or groups first");
    }
  }
}
