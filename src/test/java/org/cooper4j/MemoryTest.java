package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.multipliers.DenseMultiplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MemoryTest {
  @AfterEach
  void restore() {
    Memory.setCpuCacheBytes(128L << 20);
  }

  private static long addressOfAFreedTensor() {
    try (PointerScope scope = new PointerScope();
        Tensor tensor = torch.zeros(1000)) {
      return tensor.data_ptr().address();
    }
  }

  @Test
  void aFreedTensorsMemoryServesTheNextOne() {
    assertThat(new DenseMultiplier(1).numConstraints()).isEqualTo(1);
    assertThat(addressOfAFreedTensor()).isEqualTo(addressOfAFreedTensor());
    Memory.emptyCpuCache();
    Memory.setCpuCacheBytes(0);
    assertThat(addressOfAFreedTensor()).isNotZero();
  }

  @Test
  void aTensorLeftOverEachTimeIsSeen() {
    try (PointerScope scope = new PointerScope()) {
      assertThat(ResidentMemory.growthOver(10, () -> torch.ones(10_000_000)))
          .isGreaterThan(300L << 20);
    }
  }

  @Test
  void aNegativeSizeIsRefused() {
    assertThatThrownBy(() -> Memory.setCpuCacheBytes(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("-1 bytes; give at least 0");
  }

  @Test
  void javaCppStillSeesTheMemoryOfTheProcess() throws InterruptedException {
    Memory.emptyCpuCache();
    long before = Pointer.physicalBytesInaccurate(Long.MAX_VALUE);
    try (PointerScope scope = new PointerScope();
        Tensor large = torch.zeros(200_000_000L)) {
      large.fill_(new org.bytedeco.pytorch.Scalar(1.0));
      Thread.sleep(20);
      assertThat(Pointer.physicalBytesInaccurate(Long.MAX_VALUE) - before)
          .isGreaterThan(700_000_000L);
    }
  }
}
