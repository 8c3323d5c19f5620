package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.cooper4j.ConstraintType.EQUALITY;
import static org.cooper4j.ConstraintType.INEQUALITY;

import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Adagrad;
import org.bytedeco.pytorch.AdagradOptions;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.RMSprop;
import org.bytedeco.pytorch.RMSpropOptions;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.RangeConstraint;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.QuadraticPenalty;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.torch.ExtraAdam;
import org.cooper4j.optim.torch.ExtraAdamOptions;
import org.cooper4j.optim.torch.ExtraSGD;
import org.cooper4j.optim.torch.ExtraSGDOptions;
import org.cooper4j.optim.torch.ExtragradientOptimizer;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIOptions;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A roll reads no value, which would wait for a CUDA device: it runs on the meta device, whose
 * tensors have none. What LibTorch lacks there (sparse gradients, relu) is in the native
 * synchronisation_test.
 */
class SynchronisationTest {
  private static final Device META = new Device("meta");

  private static Tensor meta(long... shape) {
    return torch.zeros(shape, new TensorOptions(ScalarType.Float).device(new DeviceOptional(META)));
  }

  /** A constraint of every kind that meta tensors can compute. */
  private static final class Problem extends ConstrainedMinimizationProblem<Void> {
    final Tensor x = meta(4).requires_grad_(true);
    final Constraint equality = register("equality", new Constraint(EQUALITY, multiplier()));
    final Constraint inequality = register("inequality", new Constraint(INEQUALITY, multiplier()));
    final Constraint augmented =
        register(
            "augmented",
            new Constraint(
                EQUALITY,
                AugmentedLagrangian::new,
                multiplier(),
                new DensePenaltyCoefficient(meta(4))));
    final Constraint penalised =
        register(
            "penalised",
            new Constraint(
                EQUALITY, QuadraticPenalty::new, null, new DensePenaltyCoefficient(meta())));
    final RangeConstraint range =
        RangeConstraint.register(this, "range", -1, 1, Problem::multiplier);

    private static DenseMultiplier multiplier() {
      return new DenseMultiplier(4, META, ScalarType.Float);
    }

    @Override
    public CMPState computeCMPState(Void nothing) {
      CMPState state =
          CMPState.of(x.square().sum())
              .observe(equality, x.sub(new Scalar(1.0)))
              .observe(
                  inequality, ConstraintState.builder(x.exp()).strictViolation(meta(4)).build())
              .observe(augmented, x.sin())
              .observe(
                  penalised,
                  ConstraintState.builder(x.cos()).contributesToDualUpdate(false).build());
      return range.observe(state, x.tanh());
    }
  }

  private static final Map<String, Function<TensorVector, Optimizer>> OPTIMIZERS =
      Map.of(
          "SGD", params -> new SGD(params, new SGDOptions(0.1)),
          "SGD with momentum", params -> new SGD(params, momentum()),
          "Adam", params -> new Adam(params, new AdamOptions(0.1)),
          "AdamW", params -> new AdamW(params, new AdamWOptions(0.1)),
          "RMSprop", params -> new RMSprop(params, new RMSpropOptions(0.1)),
          "Adagrad", params -> new Adagrad(params, new AdagradOptions(0.1)),
          "NuPI", params -> new NuPI(params, new NuPIOptions(0.1).kp(0.5).emaNu(0.9)));

  private static SGDOptions momentum() {
    SGDOptions options = new SGDOptions(0.1);
    options.momentum().put(0.9);
    return options;
  }

  static Stream<String> optimizers() {
    return OPTIMIZERS.keySet().stream().sorted();
  }

  private static void assertRollsWithoutReading(CooperOptimizer<Void> optimizer) {
    RollOut rollOut = null;
    for (int i = 0; i < 3; i++) {
      rollOut = optimizer.roll();
    }
    assertThat(rollOut.loss().is_meta()).isTrue();
    assertThat(rollOut.primalLagrangianStore().lagrangian().orElseThrow().is_meta()).isTrue();
    assertThat(rollOut.dualLagrangianStore().multiplierValues()).hasSize(5);
  }

  @Test
  void aReadOfAMetaTensorThrows() {
    assertThatThrownBy(() -> meta().item_float()).isInstanceOf(RuntimeException.class);
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void anyOptimizerStepsWithoutReading(String name) {
    Problem problem = new Problem();
    TensorVector primal = new TensorVector(problem.x);
    Function<TensorVector, Optimizer> make = OPTIMIZERS.get(name);
    Optimizer dual = make.apply(problem.dualParameters());
    assertRollsWithoutReading(new SimultaneousOptimizer<>(problem, make.apply(primal), dual));
    assertRollsWithoutReading(
        new AlternatingPrimalDualOptimizer<>(problem, make.apply(primal), dual));
    assertRollsWithoutReading(
        new AlternatingDualPrimalOptimizer<>(problem, make.apply(primal), dual));
  }

  private static final Map<String, Function<TensorVector, ExtragradientOptimizer>> EXTRAGRADIENT =
      Map.of(
          "ExtraSGD",
          params -> new ExtraSGD(params, new ExtraSGDOptions(0.1)),
          "ExtraSGD with momentum",
          params -> new ExtraSGD(params, new ExtraSGDOptions(0.1).momentum(0.9).nesterov(true)),
          "ExtraAdam",
          params -> new ExtraAdam(params, new ExtraAdamOptions(0.1).amsgrad(true)));

  static Stream<String> extragradient() {
    return EXTRAGRADIENT.keySet().stream().sorted();
  }

  @ParameterizedTest
  @MethodSource("extragradient")
  void extrapolationLooksAheadWithoutReading(String name) {
    Problem problem = new Problem();
    Function<TensorVector, ExtragradientOptimizer> make = EXTRAGRADIENT.get(name);
    List<BiFunction<ExtragradientOptimizer, ExtragradientOptimizer, CooperOptimizer<Void>>> kinds =
        List.of(
            (primal, dual) -> new ExtrapolationConstrainedOptimizer<>(problem, primal, dual),
            (primal, dual) -> new PastExtrapolationConstrainedOptimizer<>(problem, primal, dual));
    for (var kind : kinds) {
      assertRollsWithoutReading(
          kind.apply(
              make.apply(new TensorVector(problem.x)), make.apply(problem.dualParameters())));
    }
  }
}
