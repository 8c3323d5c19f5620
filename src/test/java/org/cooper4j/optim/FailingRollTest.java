package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.here;
import static org.cooper4j.Devices.indices;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.LBFGS;
import org.bytedeco.pytorch.LBFGSOptions;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.RMSprop;
import org.bytedeco.pytorch.RMSpropOptions;
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
import org.cooper4j.EveryDevice;
import org.cooper4j.multipliers.DenseMultiplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A roll that throws leaves the variables where they were, or says which half it has done. */
@EveryDevice
class FailingRollTest {
  /** min (x − 1)² s.t. x <= 0.5, as the given function of x makes it. */
  private final class Run {
    final Tensor x = vector(0.2).requires_grad_(true);
    final DenseMultiplier multiplier = new DenseMultiplier(vector(0.25));
    final Constraint c = new Constraint(ConstraintType.INEQUALITY, multiplier);
    final ConstrainedOptimizer<Integer> optimizer;
    int evaluations;

    Run(Schemes scheme, Function<Run, CMPState> evaluation) {
      var problem =
          ConstrainedMinimizationProblem.<Integer>of(
              Map.of("c", c),
              unused -> {
                evaluations++;
                return evaluation.apply(this);
              });
      optimizer = scheme.sgd(problem, new TensorVector(x), 0.1);
    }

    CMPState good() {
      return CMPState.of(x.sub(new Scalar(1.0)).square().sum()).observe(c, x.sub(new Scalar(0.5)));
    }

    double[] variables() {
      return new double[] {values(x)[0], values(multiplier.weight())[0]};
    }
  }

  private static Tensor nan() {
    return vector(Double.NaN).squeeze();
  }

  /** Lets a run go well twice, fail on the evaluation of that number in the third roll, go on. */
  private void fails(Schemes scheme, Function<Run, CMPState> bad, Class<?> type, int number) {
    int[] badEvaluation = {-1};
    Run run = new Run(scheme, r -> r.evaluations == badEvaluation[0] ? bad.apply(r) : r.good());
    run.optimizer.roll();
    run.optimizer.roll();
    double[] before = run.variables();
    badEvaluation[0] = run.evaluations + number;

    boolean half = scheme == Schemes.ALTERNATING_PRIMAL_DUAL && number == 2;
    assertThatThrownBy(() -> run.optimizer.roll())
        .isInstanceOf(half ? IllegalStateException.class : type)
        .satisfies(
            e -> {
              if (half) {
                assertThat(e.getMessage())
                    .startsWith("the primal variables were updated, the multipliers were not");
                assertThat(e.getCause()).isInstanceOf(type);
              }
            });

    double[] after = run.variables();
    assertThat(after[1]).isEqualTo(before[1]);
    if (half) {
      assertThat(after[0]).isNotEqualTo(before[0]).isFinite();
    } else {
      assertThat(after[0]).isEqualTo(before[0]);
    }
    for (int i = 0; i < 2000; i++) {
      run.optimizer.roll();
    }
    assertThat(run.variables()).containsExactly(new double[] {0.5, 1}, within(1e-4));
  }

  private static int evaluations(Schemes scheme) {
    return scheme == Schemes.ALTERNATING_PRIMAL_DUAL || scheme == Schemes.EXTRAPOLATION ? 2 : 1;
  }

  @ParameterizedTest
  @EnumSource
  void anEvaluationThatThrowsMovesNothing(Schemes scheme) {
    for (int number = 1; number <= evaluations(scheme); number++) {
      fails(
          scheme,
          run -> {
            throw new UnsupportedOperationException("no data");
          },
          UnsupportedOperationException.class,
          number);
    }
  }

  @ParameterizedTest
  @EnumSource
  void valuesThatAreNotFiniteMoveNothing(Schemes scheme) {
    assumeTrue(device().is_cpu(), "on CUDA looking would wait for the device");
    for (int number = 1; number <= evaluations(scheme); number++) {
      for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
        fails(
            scheme,
            run -> CMPState.of(run.x.sum()).observe(run.c, run.x.mul(new Scalar(bad))),
            IllegalArgumentException.class,
            number);
        if (scheme == Schemes.ALTERNATING_PRIMAL_DUAL && number == 1) {
          continue; // the strict violation of x is not used
        }
        fails(
            scheme,
            run ->
                CMPState.of(run.x.sum())
                    .observe(
                        run.c,
                        ConstraintState.builder(run.x.mul(new Scalar(1.0)))
                            .strictViolation(vector(bad))
                            .build()),
            IllegalArgumentException.class,
            number);
      }
    }
    if (scheme != Schemes.ALTERNATING_PRIMAL_DUAL) {
      int last = evaluations(scheme);
      fails(
          scheme,
          run -> CMPState.of(run.x.sum().mul(nan())).observe(run.c, run.x.mul(new Scalar(1.0))),
          IllegalArgumentException.class,
          last);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aStateThatDoesNotFitMovesNothing(Schemes scheme) {
    for (int number = 1; number <= evaluations(scheme); number++) {
      fails(
          scheme,
          run -> CMPState.of(run.x.sum()).observe(run.c, run.x.expand(2)),
          IllegalArgumentException.class,
          number);
      fails(scheme, run -> null, IllegalStateException.class, number);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aGraphThatWasUsedUpMovesNothing(Schemes scheme) {
    Tensor[] outside = new Tensor[1];
    Run run =
        new Run(
            scheme,
            r -> {
              if (outside[0] == null) {
                outside[0] = r.x.square().exp().sum();
                outside[0].retainReference();
              }
              return CMPState.of(outside[0].mul(new Scalar(1.0)))
                  .observe(r.c, outside[0].sub(new Scalar(1.0)));
            });
    // The extrapolating optimizer differentiates twice a roll, the others fail in the second one.
    if (scheme != Schemes.EXTRAPOLATION) {
      run.optimizer.roll();
    }
    double[] before = run.variables();
    assertThatThrownBy(() -> run.optimizer.roll())
        .hasMessageContaining("backward through the graph a second time");
    assertThat(run.variables()).containsExactly(before);
  }

  @ParameterizedTest
  @EnumSource
  void violationsMayContainDerivatives(Schemes scheme) {
    Run run =
        new Run(
            scheme,
            r -> {
              Tensor f = r.x.pow(new Scalar(3.0)).sum();
              Tensor derivative =
                  torch
                      .grad(
                          new TensorVector(f),
                          new TensorVector(r.x),
                          new TensorVector(),
                          new BoolOptional(true),
                          true,
                          false)
                      .get(0);
              return CMPState.of(f).observe(r.c, derivative.sum().sub(new Scalar(1.0)));
            });
    run.optimizer.roll();
    run.optimizer.roll();
    assertThat(values(run.x)[0]).isFinite();
  }

  @ParameterizedTest
  @EnumSource
  void aStateWithoutAPrimalSideMovesTheMultipliersAlone(Schemes scheme) {
    Run run =
        new Run(
            scheme,
            r ->
                CMPState.ofViolations()
                    .observe(
                        r.c,
                        ConstraintState.builder(vector(2))
                            .contributesToPrimalUpdate(false)
                            .build()));
    RollOut rollOut = run.optimizer.roll();
    assertThat(run.variables()).containsExactly(new double[] {0.2, 0.25 + 0.1 * 2}, within(1e-6));
    assertThat(rollOut.loss()).isNull();
    assertThat(rollOut.primalLagrangianStore().lagrangian()).isEmpty();
  }

  @Test
  void aSparseGradientThatAnOptimizerDoesNotTakeMovesNothing() {
    Tensor first = vector(1).requires_grad_(true);
    Tensor table = vector(1, 2, 3).unsqueeze(1).detach().requires_grad_(true);
    Constraint c = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(vector(0)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", c),
            unused -> {
              Tensor rows = torch.embedding(table, indices(0, 2), -1, false, true);
              return CMPState.of(rows.sum().add(first.sum())).observe(c, first);
            });
    for (Optimizer primal :
        List.of(
            new Adam(new TensorVector(first, table), new AdamOptions(0.1)),
            new AdamW(new TensorVector(first, table), new AdamWOptions(0.1)),
            new RMSprop(new TensorVector(first, table), new RMSpropOptions(0.1)))) {
      SGD dual = new SGD(problem.dualParameters(), new SGDOptions(0.1));
      assertThatThrownBy(() -> new SimultaneousOptimizer<>(problem, primal, dual).roll())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("a parameter of shape [3, 1] has a sparse gradient");
      assertThatThrownBy(() -> new AlternatingDualPrimalOptimizer<>(problem, primal, dual).roll())
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(values(first)).containsExactly(1);
      assertThat(values(problem.dualParameters().get(0))).containsExactly(0);
    }
  }

  @Test
  void anLbfgsThatWouldEvaluateOftenMovesNothing() {
    Run run = new Run(Schemes.SIMULTANEOUS, Run::good);
    var problem = run.optimizer.cmp();
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(run.x), new SGDOptions(0.1)),
            new LBFGS(problem.dualParameters(), new LBFGSOptions(0.1)));
    double[] before = run.variables();
    assertThatThrownBy(optimizer::roll)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("LBFGS: max_iter is 20");
    assertThat(run.variables()).containsExactly(before);
  }

  @Test
  void aLossThatIsNotFiniteSaysWhetherTheVariablesAre() {
    assumeTrue(device().is_cpu(), "on CUDA looking would wait for the device");
    Tensor[] factor = {here(torch.scalar_tensor(new Scalar(1.0f)))};
    Run run =
        new Run(
            Schemes.SIMULTANEOUS,
            r -> CMPState.of(r.x.mul(factor[0]).sum()).observe(r.c, r.x.sub(new Scalar(0.5))));
    factor[0] = nan();
    assertThatThrownBy(run.optimizer::roll)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("the loss is NaN or infinite; all variables are finite");
    try (NoGradGuard noGrad = new NoGradGuard()) {
      run.x.fill_(new Scalar(Double.NaN));
    }
    assertThatThrownBy(run.optimizer::roll)
        .hasMessageContaining(
            "a parameter float32[1] of primal optimizer 0 (SGD) is not finite since an earlier");
  }

  @Test
  void aRollWithGradientsSwitchedOffSaysSo() {
    Run run = new Run(Schemes.SIMULTANEOUS, Run::good);
    try (NoGradGuard noGrad = new NoGradGuard()) {
      assertThatThrownBy(() -> run.optimizer.roll())
          .hasMessageContaining("gradients are disabled here; leave the NoGradGuard");
    }
  }

  @Test
  void mixedPrecisionNeedsNoConversion() {
    for (ScalarType dtype :
        new ScalarType[] {ScalarType.BFloat16, ScalarType.Half, ScalarType.Double}) {
      for (Schemes scheme : Schemes.values()) {
        Run run =
            new Run(
                scheme,
                r ->
                    CMPState.of(r.x.sub(new Scalar(1.0)).square().sum())
                        .observe(r.c, r.x.sub(new Scalar(0.5)).to(dtype)));
        for (int i = 0; i < 3000; i++) {
          run.optimizer.roll();
        }
        assertThat(run.variables())
            .as(scheme + " " + dtype)
            .containsExactly(new double[] {0.5, 1}, within(4e-3));
        assertThat(run.multiplier.weight().scalar_type().intern()).isEqualTo(ScalarType.Float);
      }
    }
  }
}
