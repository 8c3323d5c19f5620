package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ThreadsTest {
  @Test
  void aNumberOnceSetStaysUntilRollsMayChooseAgain() {
    assertThat(Threads.getNumThreads()).isZero();
    Threads.setNumThreads(2);
    try {
      assertThatThrownBy(() -> Threads.setNumThreads(-1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("the number of threads is -1; give at least 1");
      assertThat(Threads.getNumThreads()).isEqualTo(2);
    } finally {
      Threads.setNumThreads(0);
    }
  }
}
