package org.cooper4j.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.Scoped;
import org.cooper4j.optim.torch.ExtraSGD;
import org.cooper4j.optim.torch.ExtraSGDOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Scoped.class)
class NativeExceptionsTest {
  private static Tensor variable() {
    return torch.ones(2).requires_grad_(true);
  }

  private static Evaluation evaluation(Tensor loss) {
    return new Evaluation(loss, new long[0], new int[0], true, false, true);
  }

  @Test
  void argumentsThatDoNotFitAreIllegal() {
    Tensor x = variable();
    assertThatThrownBy(() -> evaluation(x.mul(new Scalar(2))))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("the loss has shape [2]; expected a dense scalar");
    assertThatThrownBy(() -> evaluation(torch.ones(1).to(torch.ScalarType.Long)))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("the loss has dtype int64");
    assertThatThrownBy(() -> evaluation(torch.ones(1)))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("the loss requires no grad");
    assertThatThrownBy(
            () -> Native.setLr(new SGD(new TensorVector(x), new SGDOptions(0.1)), 0, Double.NaN))
        .isExactlyInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new ExtraSGD(new TensorVector(x), new ExtraSGDOptions(-1)))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lr");
  }

  @Test
  void callsAtTheWrongTimeAreIllegalStates() {
    ExtraSGD optimizer = new ExtraSGD(new TensorVector(variable()), new ExtraSGDOptions(0.1));
    assertThatThrownBy(() -> new Optimizers(List.of(optimizer), List.of()).step(true))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessageContaining("extrapolation()");
    Evaluation evaluation = evaluation(variable().sum());
    assertThatThrownBy(() -> evaluation.backward(true))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessageContaining("backward() was called twice");
  }

  @Test
  void libTorchsOwnErrorsComeWithoutItsStackFrames() {
    Tensor freed = variable().square().sum();
    freed.backward();
    Throwable thrown = catchThrowable(() -> evaluation(freed));
    assertThat(thrown)
        .isExactlyInstanceOf(RuntimeException.class)
        .hasMessageContaining("backward through the graph a second time");
    assertThat(thrown.getMessage()).doesNotContain("frame #").doesNotContain("Exception raised");
  }

  /** Of one to four bytes a character. */
  @ParameterizedTest
  @ValueSource(strings = {"plain", "ü", "→ ∂L", "𝛌 😀", "\uFFFF\uE000"})
  void textsArriveWhole(String name) {
    try (Document document = new Document()) {
      byte[] text = name.getBytes(StandardCharsets.UTF_8);
      assertThatThrownBy(() -> document.text(Document.Kind.DTYPE, text))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'" + name + "'");
    }
  }

  @Test
  void filesOfAnyNameAreNamed(@TempDir Path folder) {
    byte[] path = folder.resolve("λ 😀.pt").toString().getBytes(StandardCharsets.UTF_8);
    try (Document document = new Document()) {
      assertThatThrownBy(() -> document.load(path, new byte[0], false))
          .isInstanceOf(RuntimeException.class)
          .hasMessageContaining("λ 😀.pt");
    }
  }

  @Test
  void bytesThatAreNoTextAreMarked() {
    byte[][] wrong = {
      {(byte) 0xff},
      {(byte) 0xc3},
      {(byte) 0xe2, (byte) 0x82},
      {(byte) 0xf0, (byte) 0x80, (byte) 0x80, (byte) 0x80}
    };
    try (Document document = new Document()) {
      for (byte[] text : wrong) {
        assertThatThrownBy(() -> document.text(Document.Kind.DTYPE, text))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageMatching("unknown dtype '\uFFFD+'");
      }
      byte[] loneSurrogate = {(byte) 0xed, (byte) 0xa0, (byte) 0xbd};
      assertThatThrownBy(() -> document.text(Document.Kind.DTYPE, loneSurrogate))
          .hasMessage("unknown dtype '\uD83D'");
    }
  }
}
