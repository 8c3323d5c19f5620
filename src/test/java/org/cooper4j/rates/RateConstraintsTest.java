package org.cooper4j.rates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.indexer.FloatIndexer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RateConstraintsTest {
  private static final Tensor SCORES = Tensor.create(2.0, -1.0, 0.5, -0.3, 1.0, -2.0);
  private static final Tensor LABELS = Tensor.create(1.0, 1.0, 0.0, 0.0, 1.0, 0.0);
  private static final Tensor CODES = Tensor.create(0.0, 0.0, 0.0, 1.0, 1.0, 1.0);

  private static RateContext context() {
    return RateContext.of(SCORES, LABELS);
  }

  private static double[] doubles(Tensor tensor) {
    Tensor flat = tensor.detach().to(ScalarType.Double).reshape(-1);
    double[] found = new double[(int) flat.numel()];
    Arrays.setAll(found, i -> flat.select(0, i).item_double());
    return found;
  }

  private static ConstraintState parityByHand(Tensor logits, Tensor group, double level) {
    return ConstraintState.builder(violation(gap(logits.sigmoid(), group), level))
        .strictViolation(
            violation(gap(logits.detach().gt(new Scalar(0.0)).to(ScalarType.Float), group), level))
        .build();
  }

  private static Tensor violation(Tensor gap, double level) {
    return torch.stack(new TensorVector(gap, gap.neg())).sub(new Scalar(level));
  }

  private static Tensor gap(Tensor scores, Tensor group) {
    Tensor other = group.neg().add(new Scalar(1.0));
    return scores.dot(group).div(group.sum()).sub(scores.dot(other).div(other.sum()));
  }

  private static ConstraintState parity(Tensor logits, Tensor group, double level) {
    return Rates.positivePredictionRate(RateContext.of(logits).groupBy(group, 2))
        .differenceTo(0)
        .within(level);
  }

  private interface Parity {
    ConstraintState of(Tensor logits, Tensor group, double level);
  }

  private static int[] bits(Tensor tensor) {
    int[] found = new int[(int) tensor.numel()];
    try (FloatIndexer values = tensor.detach().contiguous().createIndexer()) {
      Arrays.setAll(found, i -> Float.floatToRawIntBits(values.get(i)));
    }
    return found;
  }

  /** Weights and multipliers after each of 300 steps. */
  private static List<int[]> trajectory(Parity parity) {
    Random random = new Random(11);
    int n = 150;
    float[] inputs = new float[n * 3];
    float[] labels = new float[n];
    float[] groups = new float[n];
    for (int i = 0; i < n; i++) {
      groups[i] = random.nextInt(3) == 0 ? 1 : 0;
      labels[i] = random.nextDouble() < 0.3 + 0.4 * groups[i] ? 1 : 0;
      for (int j = 0; j < 3; j++) {
        inputs[3 * i + j] = (float) random.nextGaussian() + labels[i] + groups[i];
      }
    }
    Tensor x = Tensor.create(inputs, n, 3);
    Tensor y = Tensor.create(labels);
    Tensor group = Tensor.create(groups);
    Tensor weights = Tensor.create(0.1f, -0.2f, 0.3f).requires_grad_(true);
    DenseMultiplier multiplier = new DenseMultiplier(Tensor.create(0f, 0f));
    Constraint constraint = new Constraint(ConstraintType.INEQUALITY, multiplier);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("parity", constraint),
            nothing -> {
              Tensor logits = x.mv(weights);
              return CMPState.of(torch.binary_cross_entropy_with_logits(logits, y))
                  .observe(constraint, parity.of(logits, group, 0.05));
            });
    List<int[]> steps = new ArrayList<>();
    try (var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(weights), new SGDOptions(0.5)),
            new SGD(problem.dualParameters(), new SGDOptions(0.3)))) {
      for (int i = 0; i < 300; i++) {
        optimizer.roll();
        steps.add(bits(weights));
        steps.add(bits(multiplier.weight()));
      }
    }
    return steps;
  }

  @Test
  void demographicParityByHandTakesTheSameStepsBitForBit() {
    List<int[]> byHand = trajectory(RateConstraintsTest::parityByHand);
    assertThat(trajectory(RateConstraintsTest::parity)).containsExactlyElementsOf(byHand);
    assertThat(byHand.get(byHand.size() - 1))
        .as("the constraint acts")
        .isNotEqualTo(bits(Tensor.create(0f, 0f)));
  }

  @Test
  void aConstraintShowsTheValueToMultipliersAndTheSurrogateToTheModel() {
    Rate recall = Rates.truePositiveRate(context().groupBy(CODES, 2)); // 1 of 2, 1 of 1
    ConstraintState state = recall.atLeast(0.9);
    assertThat(doubles(state.strictViolation().orElseThrow()))
        .containsExactly(new double[] {0.4, -0.1}, within(1e-15));
    double[] soft = doubles(recall.surrogate());
    assertThat(doubles(state.violation()))
        .containsExactly(new double[] {0.9 - soft[0], 0.9 - soft[1]}, within(1e-15));
    assertThat(doubles(recall.within(0.2, 0.8).strictViolation().orElseThrow()))
        .containsExactly(new double[] {-0.3, 0.2, -0.3, -0.8}, within(1e-15));
  }

  @ParameterizedTest
  @EnumSource
  void aGroupOfNobodyMovesNothing(Fairness notion) {
    for (Surrogate surrogate :
        List.of(Surrogate.hinge(), Surrogate.sigmoid(), Surrogate.crossEntropy())) {
      Tensor scores = SCORES.clone().requires_grad_(true);
      RateContext split =
          RateContext.of(scores, LABELS).with(surrogate).groupBy(CODES, 3); // nobody in group 2
      Rate rate = notion.rates(split).get(0);
      ConstraintState state = rate.ratioTo(0).atLeast(0.8);
      assertThat(doubles(state.strictViolation().orElseThrow())[1]).isZero();
      assertThat(doubles(state.violation())[1]).isZero();
      rate.ratioTo(0)
          .and(rate)
          .and(notion.deviations(split))
          .atLeast(0.8)
          .violation()
          .sum()
          .backward();
      assertThat(doubles(scores.grad())).doesNotContain(Double.NaN);
      assertThat(doubles(rate.value())[2]).isNaN();
      assertThat(doubles(rate.surrogate())[2]).isZero();
    }
  }

  @Test
  void aScoreOfZeroAndEqualScoresOfClassesShareThePrediction() {
    Rate half = Rates.positivePredictionRate(RateContext.of(Tensor.create(0.0, 1.0)));
    assertThat(half.value().item_double()).isEqualTo(0.75);
    Tensor classes = Tensor.create(new double[] {1, 1, 0, 0, 0, 2}, 2, 3);
    RateContext context = RateContext.of(classes, Tensor.create(0L, 2L));
    assertThat(Rates.accuracy(context).value().item_double()).isEqualTo(0.75);
  }

  @Test
  void masksNestAndSplitsIntersect() {
    Tensor other = Tensor.create(0.0, 1.0, 0.0, 1.0, 0.0, 1.0);
    RateContext both = context().groupBy(CODES, 2).groupBy(other, List.of("a", "b"));
    assertThat(both.groupNames()).containsExactly("0, a", "0, b", "1, a", "1, b");
    double[] rates = doubles(Rates.accuracy(both).value());
    for (int i = 0; i < 4; i++) {
      RateContext nested =
          context()
              .where(CODES.eq(new Scalar((double) (i / 2))))
              .where(other.eq(new Scalar((double) (i % 2))));
      assertThat(rates[i]).isEqualTo(Rates.accuracy(nested).value().item_double());
    }
  }

  @Test
  void runningSumsAreMeansOfBatchesAndKnowAGroupThatIsMissing() {
    RunningSums sums = new RunningSums(0.5);
    Rate first = Rates.truePositiveRate(context().groupBy(CODES, 2)).with(sums);
    assertThat(doubles(first.value())).containsExactly(0.5, 1);
    Tensor scores = SCORES.clone().requires_grad_(true);
    RateContext onlyZero = RateContext.of(scores, LABELS).where(CODES.eq(new Scalar(0.0)));
    Rate second = Rates.truePositiveRate(onlyZero.groupBy(CODES, 2)).with(sums);
    assertThat(doubles(second.value())).containsExactly(0.5, 1);
    double[] surrogate = doubles(second.surrogate());
    assertThat(surrogate).containsExactly(doubles(first.surrogate()), within(1e-12));
    second.surrogate().sum().backward();
    double p = surrogate[0]; // of σ(2) and σ(−1)
    assertThat(p).isCloseTo((sigmoid(2) + sigmoid(-1)) / 2, within(1e-12));
    double slope = sigmoid(2) * (1 - sigmoid(2)) / 2;
    assertThat(doubles(scores.grad())[0]).isCloseTo(slope, within(1e-12));
    assertThat(doubles(scores.grad())[4]).isZero();
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  @Test
  void runningSumsGoOnFromTheirStateAndRefuseAnother() {
    RunningSums sums = new RunningSums(0.9);
    RateContext split = context().groupBy(CODES, 2);
    Rates.precision(split).with(sums);
    RunningSums loaded = new RunningSums(0.9);
    loaded.loadStateDict(sums.stateDict());
    RateContext next = RateContext.of(SCORES.neg(), LABELS).groupBy(CODES, 2);
    double[] expected = doubles(Rates.precision(next).with(sums).value());
    for (String part : List.of("norm", "value", "upper", "lower")) {
      Map<String, Object> broken = new HashMap<>(sums.stateDict());
      broken.remove(part);
      assertThatThrownBy(() -> loaded.loadStateDict(broken))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(part);
      broken.put(part, part.equals("norm") ? (Object) Double.NaN : torch.zeros(3, 7));
      assertThatThrownBy(() -> loaded.loadStateDict(broken))
          .isInstanceOf(IllegalArgumentException.class);
    }
    refused(() -> Rates.precision(context()).with(loaded), "same groups");
    assertThat(doubles(Rates.precision(next).with(loaded).value())).containsExactly(expected);
  }

  @Test
  void aSlackIsKeptInItsRangeAndServesTwiceInOneGraph() {
    Slack slack = new Slack(0, 0.1, 1, 0.5);
    Rate first = Rates.precision(context()).numerator().over(slack.rate());
    ConstraintState second = Rates.precision(context()).denominator().atLeast(slack.rate());
    first.surrogate().add(second.violation()).backward(); // n / s, s − d
    double n = Rates.precision(context()).numerator().surrogate().item_double();
    assertThat(slack.parameter().grad().item_double()).isCloseTo(1 - n / 0.25, within(1e-6));
    slack.parameter().variable_data().fill_(new Scalar(-3.0));
    assertThat(slack.rate().value().item_float()).isEqualTo(0.1f);
    slack.loadStateDict(Map.of("slack", Tensor.create(new float[] {0.7f}).select(0, 0)));
    assertThat(slack.rate().value().item_float()).isEqualTo(0.7f);
    refused(() -> slack.loadStateDict(Map.of()), "slack");
    refused(() -> slack.loadStateDict(Map.of("slack", Tensor.create(1f, 2f))), "slack");
    refused(() -> new Slack(0, 0, 1, 2), "the start within");
    refused(() -> new Slack(-1, 0, 1, 1), "-1");
    assertThat(slack.rate().value().item_float()).isEqualTo(0.7f);
  }

  @Test
  void aRateTakesTheValueOfOtherDataAndKeepsItsSurrogate() {
    Rate training = Rates.errorRate(context());
    Rate other = Rates.errorRate(RateContext.of(SCORES.neg(), LABELS));
    Rate both = training.withValueOf(other);
    assertThat(both.value().item_double()).isEqualTo(other.value().item_double());
    assertThat(both.surrogate().item_double()).isEqualTo(training.surrogate().item_double());
  }

  private static void refused(ThrowingCallable call, String part) {
    assertThatThrownBy(call)
        .isInstanceOfAny(IllegalArgumentException.class, IllegalStateException.class)
        .hasMessageContaining(part);
  }

  @Test
  void badInputIsRefusedWithWhatWasExpected() {
    Tensor classes = torch.zeros(6, 3);
    Tensor two = Tensor.create(1.0, 0.0);
    refused(() -> RateContext.of(Tensor.create(1L, 2L)), "scores");
    refused(() -> RateContext.of(torch.zeros(6, 1)), "squeeze(1)");
    refused(() -> RateContext.of(Tensor.create(1, Double.NaN)), "NaN");
    refused(() -> RateContext.of(SCORES, two), "expected [6]");
    refused(() -> RateContext.of(SCORES, SCORES), "expected 0 to 1");
    refused(() -> RateContext.of(classes, Tensor.create(0L, 1L, 2L, 3L, 0L, 0L)), "label 3");
    refused(() -> context().weighted(two), "expected [6]");
    refused(() -> context().weighted(SCORES), "weights");
    refused(() -> context().weighted(SCORES.div(Tensor.create(0.0))), "weights");
    refused(() -> context().where(SCORES), "mask");
    refused(() -> context().groupBy(CODES, 1), "expected 0 to 0");
    refused(() -> context().groupBy(CODES, 0), "at least 1");
    refused(() -> context().groups(CODES), "[K, 6]");
    refused(() -> context().positive(1), "scores [n, C]");
    refused(() -> RateContext.of(classes).positive(0, 1, 2), "some but not all");
    refused(() -> RateContext.of(classes).positive(3), "some but not all");
    refused(() -> Rates.positivePredictionRate(RateContext.of(classes)), "positive(class");
    refused(() -> Rates.accuracy(RateContext.of(SCORES)), "needs labels");
    refused(() -> Rates.fScore(context(), -1), "beta");
    refused(() -> Rates.recallAtPrecision(context(), 1), "precision is 1.0");
    refused(() -> Rates.rocAuc(RateContext.of(torch.zeros(0), torch.zeros(0))), "at least one");
    refused(() -> Fairness.EQUALISED_ODDS.difference(context()), "groupBy");
    refused(() -> Rates.accuracy(context()).max(), "groupBy");
    Rate split = Rates.accuracy(context().groupBy(CODES, 2));
    refused(() -> split.differenceTo(2), "group 2");
    refused(
        () -> Rates.accuracy(context().groupBy(CODES.mul(CODES.neg()).abs(), 2)).ratioTo(-1),
        "group -1");
    refused(() -> Rates.accuracy(context().groups(torch.ones(1, 6))).ratioTo(0), "one group");
    refused(() -> split.plus(Rates.accuracy(context().groupBy(CODES, 3))), "the other rate");
    refused(() -> split.within(1, 0), "lo must be <= hi");
    refused(() -> split.within(Double.NaN), "lo must be <= hi");
    refused(() -> split.atMost(Double.NaN), "finite");
    refused(() -> split.atLeast(Double.POSITIVE_INFINITY), "finite");
    refused(() -> split.times(Double.NaN), "finite");
    refused(() -> split.max().minus(split.min()).numerator(), "several rates");
    refused(() -> Rate.of(Tensor.create(1L)), "surrogate");
    refused(() -> Rate.of(two, SCORES), "value");
    refused(() -> Surrogate.hinge(-1), "margin");
    refused(() -> Surrogate.softZeroOne(0), "temperature");
    refused(() -> new RunningSums(1), "decay");
  }
}
