package org.cooper4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The files of src/test/python/hostile_checkpoints.py, as Java meets them. */
class HostileCheckpointTest {
  private static Path resource(String name) {
    try {
      return Path.of(HostileCheckpointTest.class.getResource("/checkpoints/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  static Stream<String[]> refusals() throws IOException {
    return Files.readAllLines(resource("hostile.tsv")).stream().map(line -> line.split("\t"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refusals")
  void isRefusedWithItsReason(String name, String reason) {
    Path file = resource("hostile/" + name + ".pt");
    assertThatThrownBy(() -> Checkpoint.load(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(reason)
        .hasMessageNotContaining("frame #");
  }

  @Test
  void whatIsOddButRightIsTaken() {
    Checkpoint checkpoint = Checkpoint.load(resource("hostile/ok_honest.pt"));
    assertThat(checkpoint.tensor("w").shape()).containsExactly(4);
    Checkpoint own = Checkpoint.load(resource("hostile/ok_dict_in_itself.pt"));
    assertThat(own.asMap().get("me")).isSameAs(own.asMap());
  }

  /** Its code is compressed, which no checkpoint's record is. */
  @Test
  void aTorchScriptProgramIsCalledOne() throws URISyntaxException {
    Path program = Path.of(getClass().getResource("/torchscript/multiplier.pt").toURI());
    assertThatThrownBy(() -> Checkpoint.load(program))
        .isInstanceOf(CheckpointException.class)
        .hasMessageEndingWith(
            "is a TorchScript program, not a checkpoint; load it with torch.jit.load");
  }
}
