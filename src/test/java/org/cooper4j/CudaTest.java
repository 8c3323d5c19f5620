package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.junit.jupiter.api.Test;

class CudaTest {
  @Test
  void withoutCudaTheReasonIsOneLineWhereverADeviceIsGiven() {
    assumeFalse(torch.cuda_is_available(), "CUDA is there");
    String reason = Cuda.whyUnavailable().orElseThrow();
    assertThat(reason)
        .hasLineCount(1)
        .containsAnyOf(
            "LibTorch's CPU build is on the class path; add org.bytedeco:pytorch with the"
                + " classifier "
                + Loader.getPlatform()
                + "-gpu",
            "but not the libraries of CUDA that it needs",
            "there is no CUDA for macOS",
            "Found no NVIDIA driver",
            "No CUDA GPUs are available");

    Device cuda = new Device("cuda:1");
    String message = "device 'cuda:1' is not there: " + reason;
    DenseMultiplier multiplier = new DenseMultiplier(1);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("c", new Constraint(ConstraintType.EQUALITY, multiplier)), unused -> null);
    assertThatThrownBy(() -> problem.to(cuda))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
    assertThat(multiplier.device().is_cpu()).isTrue();
    assertThatThrownBy(() -> new IndexedMultiplier(1, cuda, ScalarType.Float)).hasMessage(message);
    try (TensorDataset dataset = new TensorDataset(torch.zeros(1), torch.zeros(1))) {
      assertThatThrownBy(() -> DataLoader.builder(dataset).device(cuda)).hasMessage(message);
    }
  }

  @Test
  void aDevicePastTheLastOneIsNamed() {
    assumeTrue(torch.cuda_is_available(), "no CUDA");
    assertThat(Cuda.whyUnavailable()).isEmpty();
    assertThatCode(() -> Cuda.check(new Device("cuda"))).doesNotThrowAnyException();
    assertThatThrownBy(() -> Cuda.check(new Device("cuda:99")))
        .hasMessage(
            "device 'cuda:99' is not there: the last one is cuda:"
                + (torch.cuda_device_count() - 1));
  }

  @Test
  void otherDevicesPass() {
    assertThatCode(() -> Cuda.check(new Device("cpu"))).doesNotThrowAnyException();
    assertThatCode(() -> Cuda.check(new Device("meta"))).doesNotThrowAnyException();
  }
}
