package org.cooper4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Keys that many values stand under are written once, and their text is for errors alone. */
class LargeKeyTest {
  /** Counts what an error's text would cost. */
  private static final class Key {
    int texts;

    @Override
    public String toString() {
      texts++;
      return "key";
    }
  }

  @Test
  void savingAsksNoKeyForItsText() {
    Key key = new Key();
    assertThatThrownBy(() -> Checkpoint.save(new ByteArrayOutputStream(), Map.of(key, 1L)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(key.texts).isZero();
  }

  @Test
  void aPlaceBelowLargeKeysIsShortenedInErrors() {
    String large = "k".repeat(1 << 20);
    List<Object> many = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      many.add(Map.of(large, (long) i));
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Checkpoint.save(out, Map.of("many", many));
    assertThat(out.size()).isLessThan(4 << 20);
    assertThatThrownBy(
            () ->
                Checkpoint.save(
                    new ByteArrayOutputStream(),
                    Map.of(large, Map.of("history", List.of(1L, new double[] {2})))))
        .hasMessageStartingWith("checkpoint.kkk")
        .hasMessageContaining("….history[1]: double[] cannot be saved")
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(300));
  }
}
