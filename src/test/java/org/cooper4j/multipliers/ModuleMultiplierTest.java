package org.cooper4j.multipliers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
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
import org.cooper4j.optim.SimultaneousOptimizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * relu(2 (w·features + b)) with w = (0.5, −1), b = 0.25, as a LibTorch and a TorchScript module.
 */
@EveryDevice
class ModuleMultiplierTest {
  /** What src/test/python/torchscript_multiplier.py saves. */
  private static ModuleMultiplier torchScript() throws Exception {
    return onDevice(new ModuleMultiplier(torch.load(torchScriptFile())));
  }

  private static String torchScriptFile() throws Exception {
    return Path.of(ModuleMultiplierTest.class.getResource("/torchscript/multiplier.pt").toURI())
        .toString();
  }

  private static ModuleMultiplier libTorch() {
    Module module = new Module();
    LinearImpl linear = new LinearImpl(2, 1);
    module.register_module("linear", linear);
    Tensor scale = module.register_buffer("scale", torch.scalar_tensor(new Scalar(2.0f)));
    try (NoGradGuard noGrad = new NoGradGuard()) {
      linear.weight().copy_(vector(0.5, -1).unsqueeze(0));
      linear.bias().fill_(new Scalar(0.25));
    }
    return onDevice(
        new ModuleMultiplier(
            module, features -> linear.forward(features).flatten().mul(scale).relu()));
  }

  private static ModuleMultiplier onDevice(ModuleMultiplier multiplier) {
    multiplier.to(device(), null);
    return multiplier;
  }

  static Stream<Callable<ModuleMultiplier>> both() {
    return Stream.of(ModuleMultiplierTest::libTorch, ModuleMultiplierTest::torchScript);
  }

  @Test
  void aTorchScriptAnswerOutlivesWhatHeldItWithoutAScope() throws Exception {
    ModuleMultiplier multiplier = torchScript();
    List<Tensor> answers = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      answers.add(multiplier.forward(vector(i, 0).unsqueeze(0)));
      if (i % 50 == 49) {
        System.gc();
        Thread.sleep(20); // JavaCPP frees what was collected in a thread of its own
      }
    }
    for (int i = 0; i < 300; i++) {
      assertThat(values(answers.get(i))).containsExactly(new double[] {i + 0.5}, within(1e-4));
    }
  }

  @ParameterizedTest
  @MethodSource("both")
  void aDualStepAscendsInTheModulesParameters(Callable<ModuleMultiplier> make) throws Exception {
    ModuleMultiplier multiplier = make.call();
    Constraint constraint = new Constraint(ConstraintType.INEQUALITY, multiplier);
    Tensor x = vector(1, 2).requires_grad_(true);
    Tensor features = vector(1, 0, 2, 3).reshape(2, 2);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", constraint),
            nothing ->
                CMPState.of(x.sum().mul(new Scalar(0.0)))
                    .observe(
                        constraint,
                        ConstraintState.builder(x.mul(new Scalar(1.0)))
                            .constraintFeatures(features)
                            .build()));

    new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.1)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)))
        .roll();

    // λ = relu(2 (0.5 + 0.25), 2 (1 − 3 + 0.25)) = (1.5, 0); the second is off.
    assertThat(values(x)).containsExactly(new double[] {0.85, 2}, within(1e-6));
    assertThat(values(multiplier.parameters().get(0)))
        .containsExactly(new double[] {0.5 + 0.1 * 2 * 1, -1}, within(1e-6));
    assertThat(values(multiplier.parameters().get(1)))
        .containsExactly(new double[] {0.25 + 0.1 * 2}, within(1e-6));
  }

  /** A scope closes what a garbage collection would close later: the lists of the parameters. */
  @Test
  void itsParametersOutliveTheListsThatNamedThem() throws Exception {
    LinearImpl linear = new LinearImpl(2, 1);
    JitModule script = torch.load(torchScriptFile());
    ModuleMultiplier ofLinear;
    ModuleMultiplier ofScript;
    try (PointerScope lists = new PointerScope()) {
      ofLinear = new ModuleMultiplier(linear, linear::forward);
      ofScript = new ModuleMultiplier(script);
      new LinearImpl(2, 1).named_parameters();
    }
    for (ModuleMultiplier multiplier : List.of(ofLinear, ofScript)) {
      assertThat(multiplier.parameters()).extracting(Tensor::numel).containsExactly(2L, 1L);
    }
    assertThat(values(ofScript.parameters().get(1))).containsExactly(0.25);
  }

  @ParameterizedTest
  @MethodSource("both")
  void itsStateHasPythonsNamesAndComesBack(Callable<ModuleMultiplier> make) throws Exception {
    ModuleMultiplier multiplier = make.call();
    assertThat(multiplier.stateDict().keySet())
        .containsExactly("linear.weight", "linear.bias", "scale");
    multiplier.parameters().get(1).detach().fill_(new Scalar(7.0));
    for (ModuleMultiplier other : List.of(libTorch(), torchScript())) {
      other.loadStateDict(multiplier.stateDict());
      assertThat(values(other.parameters().get(1))).containsExactly(7);
    }
    Map<String, Object> wrong = multiplier.stateDict();
    wrong.put("linear.bias", vector(1, 2));
    assertThatThrownBy(() -> multiplier.loadStateDict(wrong))
        .hasMessage("linear.bias: expected float32 [1], found float32 [2]");
  }

  @Test
  void aStateWithNaNIsRefusedAndACountStaysOne() {
    ModuleMultiplier multiplier = libTorch();
    Map<String, Object> state = multiplier.stateDict();
    state.put("linear.bias", vector(Double.NaN));
    assertThatThrownBy(() -> multiplier.loadStateDict(state))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("linear.bias has a NaN or infinite entry");
    assertThat(values(multiplier.parameters().get(1))).containsExactly(0.25);

    Module module = new Module();
    Tensor count = module.register_buffer("count", torch.ones(1).to(ScalarType.Long));
    Tensor weight = module.register_parameter("weight", vector(1));
    new ModuleMultiplier(module, features -> weight).to(null, ScalarType.Double);
    assertThat(count.scalar_type().intern()).isEqualTo(ScalarType.Long);
    assertThat(weight.scalar_type().intern()).isEqualTo(ScalarType.Double);
  }
}
