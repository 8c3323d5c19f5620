package org.cooper4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.Adagrad;
import org.bytedeco.pytorch.AdagradOptions;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.RMSprop;
import org.bytedeco.pytorch.RMSpropOptions;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OptimizerStateTest {
  private static final Map<String, Function<TensorVector, Optimizer>> OPTIMIZERS =
      Map.of(
          "SGD", x -> new SGD(x, momentum()),
          "Adam", x -> new Adam(x, new AdamOptions(0.1)),
          "RMSprop", x -> new RMSprop(x, new RMSpropOptions(0.1)),
          "Adagrad", x -> new Adagrad(x, new AdagradOptions(0.1)));

  private static SGDOptions momentum() {
    SGDOptions options = new SGDOptions(0.1);
    options.momentum().put(0.9);
    return options;
  }

  private static void step(Optimizer optimizer, Tensor x) {
    optimizer.zero_grad();
    x.square().sum().backward();
    optimizer.step();
  }

  @ParameterizedTest
  @CsvSource({
    "SGD, momentum_buffer, NaN",
    "Adam, exp_avg, NaN",
    "Adam, exp_avg_sq, NaN",
    "Adam, exp_avg_sq, -1",
    "RMSprop, square_avg, -1",
    "Adagrad, sum, -1"
  })
  void whatWouldMakeTheParameterNaNIsRefused(String kind, String key, double bad) {
    Tensor x = torch.ones(3).requires_grad_(true);
    Optimizer optimizer = OPTIMIZERS.get(kind).apply(new TensorVector(x));
    step(optimizer, x);
    Map<String, Object> state = OptimizerState.of(optimizer, false);
    Tensor remembered = (Tensor) ((Map<?, ?>) ((Map<?, ?>) state.get("state")).get(0L)).get(key);
    Tensor before = remembered.clone();
    remembered.fill_(new Scalar(Double.POSITIVE_INFINITY));
    OptimizerState.load(optimizer, state, false, true);
    remembered.fill_(new Scalar(bad));
    assertThatThrownBy(() -> OptimizerState.load(optimizer, state, false, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("state.0." + key + ": expected");
    remembered.copy_(before);
    OptimizerState.load(optimizer, state, false, false);
  }
}
