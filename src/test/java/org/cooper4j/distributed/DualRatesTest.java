package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.values;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
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
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.DualRates;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Dual steps whose units are measured in several processes. */
@EnabledOnOs(OS.LINUX)
class DualRatesTest {
  /** Where a least squares problem of a bounded mean is after some rolls, and its units. */
  private static double[] train(
      ProcessGroup group,
      UnaryOperator<Tensor> meanOf,
      BiConsumer<SimultaneousOptimizer<Tensor>, Integer> roll) {
    try (PointerScope scope = new PointerScope()) {
      Tensor w = torch.zeros(2).to(ScalarType.Double).requires_grad_(true);
      Constraint mean =
          new Constraint(
              ConstraintType.INEQUALITY, new DenseMultiplier(torch.zeros(1).to(ScalarType.Double)));
      var problem =
          ConstrainedMinimizationProblem.<Tensor>of(
              rows -> {
                Tensor outputs = rows.matmul(w);
                return CMPState.of(outputs.sub(rows.select(1, 0).exp()).square().mean())
                    .samples(rows.size(0))
                    .lessOrEqual(mean, meanOf.apply(outputs), 0.2);
              },
              Map.entry("mean", mean));
      var optimizer =
          new SimultaneousOptimizer<>(
              problem,
              new SGD(new TensorVector(w), new SGDOptions(0.05)),
              DualRates.controller(problem.dualParameters()));
      DualRates rates = DualRates.of(optimizer);
      optimizer.distribute(group);
      for (int step = 0; step < 25; step++) {
        roll.accept(optimizer, step);
      }
      double[] all = Arrays.copyOf(values(w), 5);
      all[2] = mean.multiplierValue();
      all[3] = rates.units().get("mean")[0];
      all[4] = rates.reaches().get("mean")[0];
      return all;
    }
  }

  private static Tensor rows(int step, int rank, int count) {
    double[] x = new double[2 * count];
    for (int i = 0; i < x.length; i++) {
      x[i] = i % 2 == 0 ? Math.sin(step + 2.3 * i + rank) : 1;
    }
    return Tensor.create(x, count, 2);
  }

  /** Three rows for one process, two for the other. */
  private static Tensor part(int step, int rank) {
    return rows(step, rank, 3 - rank);
  }

  @Test
  void processesMeasureAsPartsOfOneDo() {
    double[] alone;
    try (ProcessGroup group = ProcessGroup.fromEnvironment()) {
      alone =
          train(
              group,
              Tensor::mean,
              (optimizer, step) ->
                  optimizer.rollAccumulated(List.of(part(step, 0), part(step, 1))));
    }
    assertThat(alone[2]).isPositive();
    List<double[]> both =
        TwoRanks.run(
            group ->
                train(
                    group,
                    Tensor::mean,
                    (optimizer, step) -> optimizer.roll(part(step, group.rank()))));
    assertThat(both.get(0)).containsExactly(alone, within(1e-12)).isEqualTo(both.get(1));
  }

  @Test
  void aHookWithAStateThatOneProcessHasAloneIsFoundByDistribute() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              Tensor x = torch.ones(2).requires_grad_(true);
              Constraint c = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1));
              var problem =
                  ConstrainedMinimizationProblem.<Tensor>of(
                      rows -> CMPState.of(x.sum()), Map.entry("c", c));
              var optimizer =
                  new SimultaneousOptimizer<>(
                      problem,
                      new SGD(new TensorVector(x), new SGDOptions(0.05)),
                      DualRates.controller(problem.dualParameters()));
              if (group.rank() == 0) {
                DualRates.of(optimizer);
              }
              optimizer.distribute(group);
              group.barrier();
            });
    assertThat(errors.get(0)).contains("rank 1 failed: IllegalArgumentException: dual_hook_states");
    assertThat(errors.get(1)).contains("expected 0 states, found 1");
  }

  private static double[] trainOnThreeRowsEach(ProcessGroup group, UnaryOperator<Tensor> meanOf) {
    return train(group, meanOf, (optimizer, step) -> optimizer.roll(rows(step, group.rank(), 3)));
  }

  @Test
  void aConstraintThatIsMadeOfSumsIsMeasuredAsTheMeanThatItIs() {
    double[] mean = TwoRanks.run(group -> trainOnThreeRowsEach(group, Tensor::mean)).get(0);
    List<double[]> sums =
        TwoRanks.run(
            group ->
                trainOnThreeRowsEach(
                    group,
                    outputs -> {
                      Tensor total = group.sum(outputs.sum());
                      return total.div(group.sum(torch.ones_like(outputs).sum()));
                    }));
    assertThat(mean[2]).isPositive();
    assertThat(sums.get(0)).containsExactly(mean, within(1e-12)).isEqualTo(sums.get(1));
  }
}
