package org.cooper4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  private String shown(boolean live, int steps, long total) throws InterruptedException {
    ProgressBar bar =
        new ProgressBar(
            new PrintStream(bytes, true, StandardCharsets.UTF_8), live, "epoch 1/2", total);
    Thread.sleep(150);
    for (int i = 1; i <= steps; i++) {
      int step = i;
      bar.step(() -> "loss " + step);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void withoutATerminalAnEpochIsOneLine() throws InterruptedException {
    assertThat(shown(false, 3, 4)).isEmpty();
    bytes.reset();
    assertThat(shown(false, 4, 4))
        .matches("epoch 1/2  4 batches  loss 4  [0-9]+/s\\R")
        .doesNotContain("\r\u001b");
  }

  @Test
  void onATerminalALineIsRedrawnAndStays() throws InterruptedException {
    assertThat(shown(true, 2, 4))
        .matches("\r\u001b\\[K.*")
        .contains("epoch 1/2  [=====>              ] 1/4  loss 1  ")
        .doesNotContain("\n");
    bytes.reset();
    assertThat(shown(true, 4, 4)).endsWith("/s" + System.lineSeparator()).contains("4 batches");
  }
}
