package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.GradientHook;
import org.cooper4j.optim.LRScheduler;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.Schedule;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is changed in one of two processes after they were distributed. */
@EnabledOnOs(OS.LINUX)
class DivergingTest {
  /** A training of one process. */
  private static final class Process {
    final Tensor x;
    final Constraint c =
        new Constraint(
            ConstraintType.INEQUALITY,
            AugmentedLagrangian::new,
            new DenseMultiplier(1),
            new DensePenaltyCoefficient(torch.ones(1)));
    final ConstrainedMinimizationProblem<Object> problem;
    final SGD primal;
    final SGD dual;
    final SimultaneousOptimizer<Object> optimizer;
    RollOut last;

    Process(long size) {
      x = torch.ones(size).div(new Scalar((double) size)).requires_grad_(true);
      problem =
          ConstrainedMinimizationProblem.of(
              Map.of("c", c),
              unused -> CMPState.of(x.square().sum()).greaterOrEqual(c, x.sum(), 2));
      SGDOptions options = new SGDOptions(1e-3);
      options.momentum().put(0.9);
      primal = new SGD(new TensorVector(x), options);
      dual = new SGD(problem.dualParameters(), new SGDOptions(1e-3));
      optimizer = new SimultaneousOptimizer<>(problem, primal, dual);
    }

    void roll(int times) {
      for (int i = 0; i < times; i++) {
        last = optimizer.roll(null);
      }
    }
  }

  /** A change, and what both processes say of it. */
  enum Change {
    VARIABLE(its -> write(its.x, 7), "primal variable 0 = 7, "),
    SIGNS(its -> negate(its.x), "primal variable 0 = "),
    MULTIPLIER(
        its -> write(its.problem.multipliers().iterator().next().parameters().get(0), 3),
        "the multiplier of constraint 'c' = 3"),
    PENALTY_COEFFICIENT(
        its ->
            its.c
                .penaltyCoefficient()
                .orElseThrow()
                .setValue(torch.full(new long[] {1}, new Scalar(4.0))),
        "the penalty coefficient of constraint 'c' = 4"),
    UPDATER(
        its ->
            new MultiplicativePenaltyCoefficientUpdater(2, 0, false)
                .step(its.last.cmpState().observedConstraints()),
        "the penalty coefficient of constraint 'c' = 2"),
    RATE(
        its -> its.primal.param_groups().get(0).options().set_lr(0.5),
        "lr = 0.5 in group 0 of primal optimizer 0"),
    DUAL_RATE(
        its -> its.dual.param_groups().get(0).options().set_lr(0.5),
        "lr = 0.5 in group 0 of dual optimizer 0"),
    SCHEDULER(
        its -> new LRScheduler(its.primal, Schedule.step(1, 0.5)).step(),
        "lr = 0.0005 in group 0 of primal optimizer 0"),
    STATE(
        its -> its.optimizer.loadStateDict(new Process(2).optimizer.stateDict()),
        "primal variable 0 = "),
    HOOK(
        its -> its.optimizer.beforePrimalStep(GradientHook.clipNorm(1e-3)), "primal variable 0 = ");

    private final Consumer<Process> change;
    private final String says;

    Change(Consumer<Process> change, String says) {
      this.change = change;
      this.says = says;
    }
  }

  private static void write(Tensor tensor, double value) {
    try (NoGradGuard noGrad = new NoGradGuard()) {
      tensor.fill_(new Scalar(value));
    }
  }

  private static void negate(Tensor tensor) {
    try (NoGradGuard noGrad = new NoGradGuard()) {
      tensor.neg_();
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatOneProcessChangesAloneIsFoundByTheNextRolls(Change change) {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              try (PointerScope scope = new PointerScope()) {
                Process its = new Process(2);
                its.optimizer.distribute(group);
                its.roll(3);
                if (group.rank() == 1) {
                  change.change.accept(its);
                }
                its.roll(2);
              }
            });
    for (String error : errors) {
      assertThat(error)
          .startsWith(
              "ProcessGroupException: the process group has ended: the ranks no longer have the"
                  + " same")
          .contains("rank 0 has ", "rank 1 has ", change.says, "after distribute()");
    }
  }

  @Test
  void oneElementOfAMillionIsFoundOnceItsTurnHasCome() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              try (PointerScope scope = new PointerScope()) {
                Process its = new Process(1_000_000);
                its.optimizer.distribute(group);
                its.roll(1);
                if (group.rank() == 1) {
                  write(its.x.narrow(0, 600_000, 1), 0.25);
                }
                its.roll(4_000_000 / (128 << 10) + 1);
              }
            });
    for (String error : errors) {
      assertThat(error).contains("primal variable 0 = Float[1000000] of checksum ");
    }
  }

  @Test
  void processesThatNeedNotBeAlikeAreNotCompared() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              Process its = new Process(2);
              its.optimizer.distribute(group.compare(false));
              its.roll(1);
              if (group.rank() == 1) {
                write(its.x, 7);
              }
              its.roll(2);
            });
    assertThat(errors).containsExactly("", "");
  }

  @Test
  void allCompareOrNone() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              Process its = new Process(2);
              its.optimizer.distribute(group.compare(group.rank() == 0));
              its.roll(1);
            });
    for (String error : errors) {
      assertThat(error)
          .contains(
              "the ranks do not do the same: rank 0 has group.compare(true), rank 1 has"
                  + " group.compare(false)");
    }
  }
}
