package org.cooper4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.manual_seed;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.nio.file.Path;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

class RngStateTest {
  @Test
  void theNumbersAfterAStateAreDrawnAgain() {
    manual_seed(3);
    randn(5);
    Tensor state = RngState.get();
    Tensor first = randn(100);
    randn(7);

    RngState.set(state);

    assertThat(randn(100).equal(first)).isTrue();
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
  void whatIsNoStateIsRefusedAndTheOldOneStays() {
    Tensor before = RngState.get();
    assertThatThrownBy(() -> RngState.set(zeros(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a generator's state is uint8 [n]; found float32 [3]");
    assertThatThrownBy(() -> RngState.set(zeros(3).to(ScalarType.Byte)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("a state of 3 bytes is none of cpu's generator");
    assertThat(RngState.get().equal(before)).isTrue();
  }
}
