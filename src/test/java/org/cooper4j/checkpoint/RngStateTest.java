package org.cooper4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.manual_seed;
import static org.bytedeco.pytorch.global.torch.stack;
import static org.bytedeco.pytorch.global.torch.zeros;
import static org.bytedeco.pytorch.global.torch.zeros_like;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.here;

import java.nio.file.Path;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.EveryDevice;
import org.junit.jupiter.api.Test;

@EveryDevice
class RngStateTest {
  @Test
  void theNumbersAfterAStateAreDrawnAgain() {
    manual_seed(3);
    draw(5);
    Tensor state = RngState.get(device());
    Tensor first = draw(100);
    draw(7);

    RngState.set(device(), state);

    assertThat(draw(100).equal(first)).isTrue();
  }

  private static Tensor draw(long n) {
    return here(zeros(n)).normal_();
  }

  /** training.pt holds torch.get_rng_state() after manual_seed(0) and some draws in Python. */
  @Test
  void aStateOfPythonIsTaken() throws Exception {
    Path python = Path.of(getClass().getResource("/checkpoints/good/training.pt").toURI());
    Tensor state = Checkpoint.load(python).tensor("rng");
    RngState.set(state);
    assertThat(RngState.get().equal(state)).isTrue();
  }

  @Test
  void aStateThatIsPartOfAnotherTensorIsTaken() {
    Tensor state = RngState.get(device());
    Tensor first = draw(10);
    RngState.set(device(), stack(new TensorVector(zeros_like(state), state), 0).get(1));
    assertThat(draw(10).equal(first)).isTrue();
    RngState.set(device(), stack(new TensorVector(state, state), 1).select(1, 1));
    assertThat(draw(10).equal(first)).isTrue();
  }

  @Test
  void whatIsNoStateIsRefusedAndTheOldOneStays() {
    Tensor before = RngState.get(device());
    assertThatThrownBy(() -> RngState.set(device(), zeros(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a generator's state is uint8 [n]; found float32 [3]");
    assertThatThrownBy(() -> RngState.set(device(), zeros(3).to(ScalarType.Byte)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(
            "a state of 3 bytes is none of " + device().str().getString() + "'s generator");
    assertThat(RngState.get(device()).equal(before)).isTrue();
  }

  @Test
  void aGeneratorOfOnesOwnHasItsState() {
    try (Generator generator = torch.make_generator_cpu(5)) {
      Tensor state = RngState.get(generator);
      Tensor first = torch.randperm(100, new GeneratorOptional(generator));
      assertThatThrownBy(() -> RngState.set(generator, zeros(state.numel()).to(ScalarType.Byte)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is none of cpu's generator");
      assertThatThrownBy(() -> RngState.set(generator, null))
          .isInstanceOf(IllegalArgumentException.class);
      RngState.set(generator, stack(new TensorVector(zeros_like(state), state), 0).get(1));
      assertThat(torch.randperm(100, new GeneratorOptional(generator)).equal(first)).isTrue();
    }
  }
}
