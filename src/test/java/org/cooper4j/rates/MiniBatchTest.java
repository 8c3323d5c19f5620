package org.cooper4j.rates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.junit.jupiter.api.Test;

/** Running sums, slacks and balanced batches. */
class MiniBatchTest {
  private static Tensor tensor(double... values) {
    return Tensor.create(values);
  }

  private static double[] doubles(Tensor tensor) {
    Tensor plain = tensor.detach().to(ScalarType.Double).contiguous();
    double[] values = new double[(int) plain.numel()];
    plain.data_ptr_double().get(values);
    return values;
  }

  private static Rate recall(Tensor scores, double... labels) {
    return Rates.truePositiveRate(RateContext.of(scores, tensor(labels)));
  }

  @Test
  void sumsOfTwoProcessesAddUpToTheRateOfAll() {
    Rate here = Rates.precision(RateContext.of(tensor(1, 2, -1), tensor(1, 0, 1)));
    Rate there = Rates.precision(RateContext.of(tensor(1, 2, 3), tensor(1, 1, 1)));
    Sums theirs = there.sums().orElseThrow();
    Rate both = here.with(ours -> ours.plus(theirs));
    Rate twice = here.with(ours -> ours.map(each -> each.add(each)));
    assertThat(twice.value().item_double()).isEqualTo(here.value().item_double());
    Rate all = Rates.precision(RateContext.of(tensor(1, 2, -1, 1, 2, 3), tensor(1, 0, 1, 1, 1, 1)));
    assertThat(both.value().item_double()).isEqualTo(all.value().item_double()).isEqualTo(0.8);
    assertThat(both.surrogate().item_double())
        .isCloseTo(all.surrogate().item_double(), within(1e-12));
  }

  @Test
  void aContextOfSeveralHasTheirRates() {
    Tensor scores = tensor(1, 2, -1, 3);
    RateContext here = RateContext.of(scores, tensor(1, 0, 1, 1));
    RateContext twice = here.summedBy(sums -> sums.add(sums));
    assertThat(Rates.accuracy(twice).value().item_double()).isEqualTo(0.5);
    assertThat(Rates.truePositiveRate(twice).sums().orElseThrow().value().sum().item_double())
        .isEqualTo(2 * (2 + 3 + 4));
    assertThat(Rates.fScore(twice).surrogate().item_double())
        .isCloseTo(Rates.fScore(here).surrogate().item_double(), within(1e-12));
    assertThatThrownBy(() -> Rates.rocAuc(twice))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("gather the scores");
    assertThatThrownBy(() -> RateReport.of(twice)).hasMessageContaining("a report is not made of");
  }

  @Test
  void runningSumsWeighBatchesByTheirAge() {
    RunningSums running = new RunningSums(0.5);
    recall(tensor(1, 1), 1, 1).with(running); // 2 of 2
    recall(tensor(-1, 1), 0, 1).with(running); // 1 of 1
    Rate rate = recall(tensor(-1, -1, -1, 1), 1, 1, 1, 1).with(running); // 1 of 4
    assertThat(rate.value().item_double())
        .isCloseTo((0.25 * 2 + 0.5 + 1) / (0.25 * 2 + 0.5 + 4), within(1e-12));
  }

  @Test
  void aBatchWithoutTheGroupKeepsTheRateAndGivesNoGradient() {
    RunningSums running = new RunningSums(0.9);
    recall(tensor(1, -1), 1, 1).with(running);
    Tensor scores = tensor(1, 2).requires_grad_(true);
    Rate rate = recall(scores, 0, 0).with(running);
    assertThat(rate.value().item_double()).isCloseTo(0.5, within(1e-12));
    rate.surrogate().backward();
    assertThat(doubles(scores.grad())).containsExactly(0, 0);
  }

  @Test
  void gradientsOfRunningSumsAreThoseOverTheMeanDenominator() {
    RunningSums running = new RunningSums(0.9);
    recall(tensor(1, 1, 1), 1, 1, 1).with(running);
    Tensor scores = tensor(0.3, -1).requires_grad_(true);
    recall(scores, 1, 0).with(running).surrogate().backward();
    double mean = (0.9 * 3 + 1) / 1.9;
    double sigmoid = 1 / (1 + Math.exp(-0.3));
    assertThat(doubles(scores.grad()))
        .containsExactly(new double[] {sigmoid * (1 - sigmoid) / mean, 0}, within(1e-12));
  }

  @Test
  void aSlackFindsTheWorstGroup() {
    Slack worst = new Slack(0, 0, 1, 0.5);
    Tensor recalls = Tensor.create(new float[] {0.9f, 0.3f, 0.6f});
    Constraint each = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(3));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("each", each),
            nothing ->
                CMPState.of(worst.rate().times(-1).surrogate())
                    .observe(each, Rate.of(recalls).atLeast(worst.rate())));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new Adam(new TensorVector(worst.parameter()), new AdamOptions(0.01)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)));
    double mean = 0;
    for (int i = 0; i < 4000; i++) {
      optimizer.roll();
      mean += i < 2000 ? 0 : worst.parameter().item_double() / 2000;
    }
    assertThat(mean).isCloseTo(0.3, within(0.02));
  }

  @Test
  void aSlackUnderTheBarBoundsTheRatio() {
    Slack below = new Slack(0, 1e-3, 1, 0.4);
    Rate precision = Rates.precision(RateContext.of(tensor(1, 2, -1, -3), tensor(1, 0, 1, 0)));
    assertThat(precision.numerator().value().item_double()).isEqualTo(0.25);
    assertThat(precision.denominator().value().item_double()).isEqualTo(0.5);
    assertThat(precision.numerator().over(below.rate()).value().item_double())
        .isCloseTo(0.625, within(1e-6));
    assertThat(
            precision
                .denominator()
                .atLeast(below.rate())
                .strictViolation()
                .orElseThrow()
                .item_double())
        .isCloseTo(-0.1, within(1e-6));
    Slack other = new Slack(2, 0, 1, 0.4);
    assertThatThrownBy(() -> other.loadStateDict(below.stateDict())).hasMessageContaining("slack");
    assertThatThrownBy(() -> new Slack(0, 0, 1, 2)).hasMessageContaining("starts at 2");
  }

  @Test
  void balancedBatchesHaveEachGroupAndEachExampleAsOften() {
    double[] codes = new double[50];
    Arrays.fill(codes, 0, 7, 4);
    Arrays.fill(codes, 7, 20, -1);
    BalancedBatchSampler sampler = new BalancedBatchSampler(tensor(codes), 12, 5);
    assertThat(sampler.size()).isEqualTo(30 / 4);
    for (int epoch = 0; epoch < 20; epoch++) {
      int[] times = new int[50];
      int batches = 0;
      for (long[] batch : sampler) {
        batches++;
        assertThat(batch).hasSize(12).doesNotHaveDuplicates();
        assertThat(Arrays.stream(batch).filter(row -> row < 7).count()).isEqualTo(4);
        assertThat(Arrays.stream(batch).filter(row -> row >= 7 && row < 20).count()).isEqualTo(4);
        Arrays.stream(batch).forEach(row -> times[(int) row]++);
      }
      assertThat(batches).isEqualTo(7);
      assertThat(Arrays.stream(times, 0, 7)).allMatch(t -> t == 4);
      assertThat(Arrays.stream(times, 7, 20)).allMatch(t -> t == 2 || t == 3);
      assertThat(Arrays.stream(times, 20, 50)).allMatch(t -> t <= 1);
    }
    assertThat(doubles(sampler.weights())[0]).isCloseTo(3 * 7 / 50.0, within(1e-12));
  }

  @Test
  void samplersWithTheSameSeedAreTheSame() {
    Tensor codes = tensor(0, 1, 0, 1, 0, 0);
    List<List<Long>> all = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      List<Long> rows = new ArrayList<>();
      BalancedBatchSampler sampler = new BalancedBatchSampler(codes, 2, 9);
      for (int epoch = 0; epoch < 3; epoch++) {
        sampler.forEach(batch -> Arrays.stream(batch).forEach(rows::add));
      }
      all.add(rows);
    }
    assertThat(all.get(0)).isEqualTo(all.get(1));
    assertThatThrownBy(() -> new BalancedBatchSampler(codes, 3, 0))
        .hasMessageContaining("multiple");
    assertThatThrownBy(() -> new BalancedBatchSampler(codes, 6, 0))
        .hasMessageContaining("fewer than its share");
    assertThatThrownBy(() -> new BalancedBatchSampler(tensor(0.5), 1, 0))
        .hasMessageContaining("whole numbers");
  }

  @Test
  void aLoaderTakesTheBatchesOfASampler() {
    try (TensorDataset data =
        new TensorDataset(tensor(0, 1, 2, 3, 4, 5), tensor(0, 1, 0, 1, 0, 0))) {
      DataLoader loader =
          DataLoader.builder(data)
              .batchSampler(new BalancedBatchSampler(data.targets(), 2, 0))
              .build();
      assertThat(loader.size()).isEqualTo(4);
      int batches = 0;
      for (Batch batch : loader) {
        batches++;
        assertThat(batch.targets().sum().item_double()).isEqualTo(1);
      }
      assertThat(batches).isEqualTo(4);
      DataLoader.Builder both =
          DataLoader.builder(data)
              .batchSize(2)
              .batchSampler(new BalancedBatchSampler(data.targets(), 2, 0));
      assertThatThrownBy(both::build).hasMessageContaining("leave out batchSize");
    }
  }

  @Test
  void aLoaderWithASamplerGoesOnWhereItsStateWasTaken() {
    try (TensorDataset data =
        new TensorDataset(tensor(0, 1, 2, 3, 4, 5), tensor(0, 1, 0, 1, 0, 0))) {
      DataLoader first = sampled(data, 3);
      first.forEach(batch -> {});
      var epoch = first.iterator();
      epoch.next();
      Map<String, Object> state = first.stateDict();
      List<double[]> expected = new ArrayList<>();
      epoch.forEachRemaining(batch -> expected.add(doubles(batch.inputs())));
      DataLoader second = sampled(data, 3);
      second.loadStateDict(state);
      List<double[]> found = new ArrayList<>();
      second.forEach(batch -> found.add(doubles(batch.inputs())));
      assertThat(found).hasSize(3).usingRecursiveComparison().isEqualTo(expected);
      assertThatThrownBy(() -> second.loadStateDict(Map.of("batches", 0L)))
          .hasMessageContaining("batch_sampler: missing");
      assertThatThrownBy(
              () -> second.loadStateDict(Map.of("batches", 0L, "batch_sampler", Map.of())))
          .hasMessageContaining("batch_sampler.epoch: expected an int");
    }
  }

  private static DataLoader sampled(TensorDataset data, long seed) {
    return DataLoader.builder(data)
        .batchSampler(new BalancedBatchSampler(data.targets(), 2, seed))
        .build();
  }
}
