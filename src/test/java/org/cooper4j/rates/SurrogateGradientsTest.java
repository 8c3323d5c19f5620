package org.cooper4j.rates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.indexer.DoubleIndexer;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Gradients beside central differences along random directions. */
class SurrogateGradientsTest {
  private static final int N = 24;
  private static final double STEP = 1e-6;

  private final Random random = new Random(3);

  static List<Surrogate> surrogates() {
    return List.of(
        Surrogate.hinge(),
        Surrogate.hinge(0.3),
        Surrogate.sigmoid(),
        Surrogate.crossEntropy(),
        Surrogate.softZeroOne(0.4));
  }

  private double[] normal(int count) {
    return random.doubles(count).map(unused -> random.nextGaussian()).toArray();
  }

  private static double[] gradient(Tensor scores, Rate rate) {
    rate.surrogate().sum().backward();
    double[] found = new double[(int) scores.numel()];
    try (DoubleIndexer values = scores.grad().contiguous().view(-1).createIndexer()) {
      Arrays.setAll(found, i -> values.get(i));
    }
    return found;
  }

  private static void compare(
      String name, double[] at, double[] found, ToDoubleFunction<double[]> function) {
    Random directions = new Random(5);
    for (int k = 0; k < 2; k++) {
      double[] direction = directions.doubles(at.length, -1, 1).toArray();
      double slope =
          (function.applyAsDouble(moved(at, direction, STEP))
                  - function.applyAsDouble(moved(at, direction, -STEP)))
              / (2 * STEP);
      double product =
          IntStream.range(0, at.length).mapToDouble(i -> found[i] * direction[i]).sum();
      assertThat(product).as(name).isCloseTo(slope, within(1e-6));
    }
  }

  private static double[] moved(double[] at, double[] direction, double step) {
    return IntStream.range(0, at.length).mapToDouble(i -> at[i] + step * direction[i]).toArray();
  }

  /** Of a rate and of its negative, which takes the other bound. */
  private static void check(
      String name, double[] at, Function<double[], Tensor> shaped, Function<Tensor, Rate> rate) {
    for (double sign : new double[] {1, -1}) {
      Tensor scores = shaped.apply(at).requires_grad_(true);
      compare(
          name + " times " + sign,
          at,
          gradient(scores, rate.apply(scores).times(sign)),
          moved -> rate.apply(shaped.apply(moved)).times(sign).surrogate().sum().item_double());
    }
  }

  @ParameterizedTest
  @MethodSource("surrogates")
  void thoseOfBinaryRatesAndNotionsAreTheDifferences(Surrogate surrogate) {
    double[] at = normal(N);
    double[] weights = random.doubles(N, 0, 2).toArray();
    double[] labels = random.ints(N, 0, 2).asDoubleStream().toArray();
    double[] codes = random.ints(N, 0, 3).asDoubleStream().toArray();
    Function<Tensor, RateContext> context =
        scores ->
            RateContext.of(scores, Tensor.create(labels))
                .with(surrogate)
                .weighted(Tensor.create(weights))
                .groupBy(Tensor.create(codes), 4); // the last has nobody
    GoldenRatesTest.RATES.forEach(
        (name, rate) -> {
          if (!name.contains("At")) { // below
            check(name, at, Tensor::create, scores -> rate.apply(context.apply(scores)));
          }
        });
    for (Fairness notion : Fairness.values()) {
      check(notion + " difference", at, Tensor::create, s -> notion.difference(context.apply(s)));
      check(notion + " ratio", at, Tensor::create, s -> notion.ratio(context.apply(s)));
      check(notion + " deviations", at, Tensor::create, s -> notion.deviations(context.apply(s)));
    }
    check(
        "ratio to a group",
        at,
        Tensor::create,
        s -> Rates.positivePredictionRate(context.apply(s)).ratioTo(0));
  }

  @ParameterizedTest
  @MethodSource("surrogates")
  void thoseOfClassesAreTheDifferences(Surrogate surrogate) {
    double[] at = normal(N * 4);
    double[] labels = random.ints(N, 0, 4).asDoubleStream().toArray();
    Function<Tensor, RateContext> context =
        scores -> RateContext.of(scores, Tensor.create(labels)).with(surrogate).positive(0, 2);
    GoldenRatesTest.RATES.forEach(
        (name, rate) -> {
          if (!name.contains("At")) {
            check(
                name,
                at,
                values -> Tensor.create(values, N, 4),
                scores -> rate.apply(context.apply(scores)));
          }
        });
  }

  @Test
  void thresholdsFollowTheScoresAsTheImplicitFunctionTheoremSays() {
    double[] labels = random.ints(N, 0, 2).asDoubleStream().toArray();
    double[] at = normal(N);
    Arrays.setAll(at, i -> at[i] + 0.7 * labels[i]);
    check("recallAtPrecision", at, labels, i -> labels[i] - 0.6, false);
    check("precisionAtRecall", at, labels, i -> labels[i], true);
    check("truePositiveRateAtFalsePositiveRate", at, labels, i -> 1 - labels[i], false);
  }

  private interface Coefficient {
    double of(int i);
  }

  private static void check(
      String name, double[] at, double[] labels, Coefficient coefficient, boolean precision) {
    double temperature = 0.5;
    Tensor scores = Tensor.create(at).requires_grad_(true);
    Rate rate =
        GoldenRatesTest.RATES
            .get(name)
            .apply(
                RateContext.of(scores, Tensor.create(labels))
                    .with(Surrogate.softZeroOne(temperature)));
    double threshold = threshold(name, at, labels);
    Curve curve = new Curve(temperature, labels, coefficient);
    double kept = curve.kept(at, threshold);
    assertThat(rate.surrogate().item_double())
        .as(name)
        .isCloseTo(curve.rate(at, threshold, precision), within(1e-12));
    compare(
        name,
        at,
        gradient(scores, rate),
        moved -> curve.rate(moved, curve.solve(moved, threshold, kept), precision));
  }

  private record Curve(double temperature, double[] labels, Coefficient coefficient) {
    double soft(double score, double threshold) {
      return 1 / (1 + Math.exp((threshold - score) / temperature));
    }

    double kept(double[] scores, double threshold) {
      return IntStream.range(0, scores.length)
          .mapToDouble(i -> coefficient.of(i) * soft(scores[i], threshold))
          .sum();
    }

    double solve(double[] scores, double start, double kept) {
      double threshold = start;
      for (int i = 0; i < 5; i++) {
        double slope = (kept(scores, threshold + 1e-5) - kept(scores, threshold - 1e-5)) / 2e-5;
        threshold -= (kept(scores, threshold) - kept) / slope;
      }
      return threshold;
    }

    double rate(double[] scores, double threshold, boolean precision) {
      double right = 0;
      double all = 0;
      for (int i = 0; i < scores.length; i++) {
        right += labels[i] * soft(scores[i], threshold);
        all += precision ? soft(scores[i], threshold) : labels[i];
      }
      return right / all;
    }
  }

  /** Between the last positive prediction and the next of the best, by counting. */
  private static double threshold(String name, double[] scores, double[] labels) {
    int[] order =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -scores[i]))
            .mapToInt(i -> i)
            .toArray();
    double positives = Arrays.stream(labels).sum();
    double best = -1;
    int last = 0;
    double found = 0;
    for (int i = 0; i < order.length; i++) {
      found += labels[order[i]];
      double precision = found / (i + 1);
      double recall = found / positives;
      double alarms = (i + 1 - found) / (labels.length - positives);
      double value =
          switch (name) {
            case "recallAtPrecision" -> precision >= 0.6 ? recall : 0;
            case "precisionAtRecall" -> recall >= 0.7 ? precision : 0;
            default -> alarms <= 0.2 ? recall : 0;
          };
      if (value > best) {
        best = value;
        last = i;
      }
    }
    int next = Math.min(last + 1, order.length - 1);
    return (scores[order[last]] + scores[order[next]]) / 2;
  }
}
