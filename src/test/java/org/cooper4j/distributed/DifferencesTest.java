package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
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
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.training.Trainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What two processes are told that evaluate, register or load other things. */
@EnabledOnOs(OS.LINUX)
class DifferencesTest {
  private static final Batch BATCH = new Batch(torch.ones(2, 1), torch.ones(2));

  private static UnconstrainedOptimizer<Batch> optimizer(
      ProcessGroup group, UnaryOperator<CMPState> ofTheSecond) {
    Tensor x = torch.ones(1).requires_grad_(true);
    var problem =
        ConstrainedMinimizationProblem.<Batch>of(
            Map.of(),
            batch -> {
              CMPState state = CMPState.of(x.square().sum());
              return group.rank() == 1 ? ofTheSecond.apply(state) : state;
            });
    var optimizer =
        new UnconstrainedOptimizer<>(problem, new SGD(new TensorVector(x), new SGDOptions(0.1)));
    optimizer.distribute(group);
    return optimizer;
  }

  private static void assertDifference(UnaryOperator<CMPState> ofTheSecond, String said) {
    List<String> errors = TwoRanks.errors(group -> optimizer(group, ofTheSecond).roll(BATCH));
    assertThat(errors).allMatch(error -> error.contains("the ranks do not do the same: " + said));
  }

  @Test
  void whatIsEvaluatedOtherwiseIsNamed() {
    assertDifference(
        state -> CMPState.of(state.loss().orElseThrow().to(ScalarType.Double)),
        "rank 0 has the loss float32[], rank 1 has the loss float64[];");
    assertDifference(
        state -> state.misc("accuracy", 0.5),
        "rank 0 has nothing more, rank 1 has misc accuracy float64[1];");
  }

  @Test
  void constraintsOfAnotherOrderAreNamed() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              var first = new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(1));
              var second = new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(2));
              var entries = List.of(Map.entry("first", first), Map.entry("second", second));
              var problem =
                  group.rank() == 0
                      ? ConstrainedMinimizationProblem.<Batch>of(
                          batch -> CMPState.ofViolations(), entries.get(0), entries.get(1))
                      : ConstrainedMinimizationProblem.<Batch>of(
                          batch -> CMPState.ofViolations(), entries.get(1), entries.get(0));
              Tensor x = torch.ones(1).requires_grad_(true);
              new SimultaneousOptimizer<>(
                      problem,
                      new SGD(new TensorVector(x), new SGDOptions(0.1)),
                      new SGD(problem.dualParameters(), new SGDOptions(0.1)))
                  .distribute(group);
            });
    assertThat(errors)
        .allMatch(
            error ->
                error.contains("rank 0 has constraint 'first': EQUALITY")
                    && error.contains("rank 1 has constraint 'second': EQUALITY"));
  }

  private static List<String> train(Function<ProcessGroup, DataLoader.Builder> loader) {
    return TwoRanks.errors(
        group ->
            new Trainer<>(optimizer(group, state -> state)).fit(loader.apply(group).build(), 1));
  }

  private static DataLoader.Builder loader(ProcessGroup group, long samples) {
    return DataLoader.builder(new TensorDataset(torch.ones(samples, 1), torch.ones(samples)))
        .batchSize(4)
        .shard(group.rank(), group.size());
  }

  @Test
  void loadersThatShareOtherBatchesAreRefusedBeforeTheFirstStep() {
    assertThat(train(group -> loader(group, 9).shuffle(3))).containsExactly("", "");
    assertThat(train(group -> loader(group, 9).shuffle(group.rank())))
        .allMatch(error -> error.contains("rank 0 has a loader's generator_state = "));
    assertThat(train(group -> loader(group, 9).batchSize(4 + group.rank())))
        .allMatch(
            error ->
                error.contains("rank 0 has a loader's batches an epoch = 3, rank 1 has a loader's")
                    || error.contains("batch_size = 4"));
    assertThat(train(group -> loader(group, 9 + group.rank())))
        .allMatch(
            error ->
                error.contains("rank 0 has a loader's samples = 9, rank 1 has a loader's samples"));
    assertThat(train(group -> group.rank() == 0 ? loader(group, 9) : loader(group, 9).dropLast()))
        .allMatch(error -> error.contains("batches an epoch = 3, rank 1 has a loader's batches"));
    assertThat(train(group -> loader(group, 9).shard(0, group.rank() + 1)))
        .allMatch(error -> error.contains("the loader gives share 0 of 2 to rank 1"));
    assertThat(train(group -> group.rank() == 0 ? loader(group, 9) : loader(group, 9).shard(0, 1)))
        .allMatch(
            error ->
                error.contains(
                    "rank 0 has shares of batches, rank 1 has batches that are not shared"));
  }
}
