package org.cooper4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.arange;
import static org.bytedeco.pytorch.global.torch.ones;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.here;

import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.EveryDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@EveryDevice
class SafeTensorsTest {
  @TempDir Path folder;

  @Test
  void whatPythonSavedIsRead() throws Exception {
    Path python = Path.of(getClass().getResource("/checkpoints/good/weights.safetensors").toURI());
    SafeTensors loaded = SafeTensors.load(python);
    assertThat(loaded.metadata()).isEqualTo(Map.of("format", "pt", "note", "naïve \"q\""));
    assertThat(loaded.tensors().get("a.weight").equal(arange(new Scalar(6.0)).reshape(2, 3)))
        .isTrue();
    assertThat(loaded.tensors()).hasSize(20);
  }

  @Test
  void aModelsWeightsComeBackIntoTheModel() {
    LinearImpl model = new LinearImpl(3, 2);
    model.to(device(), false);
    Path file = folder.resolve("model.safetensors");
    new SafeTensors(SafeTensors.of(StateDict.of(model)).tensors(), Map.of("step", "7")).save(file);
    LinearImpl other = new LinearImpl(3, 2);
    other.to(device(), false);

    SafeTensors loaded = SafeTensors.load(file);
    StateDict.load(other, loaded.tensors());

    assertThat(other.weight().equal(model.weight())).isTrue();
    assertThat(loaded.metadata()).isEqualTo(Map.of("step", "7"));
  }

  @Test
  void aViewIsWrittenOutContiguous() {
    Path file = folder.resolve("t.safetensors");
    Tensor transposed = here(arange(new Scalar(6.0))).reshape(2, 3).t();
    SafeTensors.of(Map.of("t", transposed)).save(file);
    Tensor loaded = SafeTensors.load(file).tensors().get("t");
    assertThat(loaded.is_contiguous()).isTrue();
    assertThat(loaded.equal(transposed.cpu())).isTrue();
  }

  @Test
  void whatTheFormatLacksIsRefusedByName() {
    assertThatThrownBy(() -> SafeTensors.of(Map.of("epoch", 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("epoch: expected a tensor, found Integer");
    Tensor complex = ones(2).to(ScalarType.ComplexDouble);
    assertThatThrownBy(() -> SafeTensors.of(Map.of("c", complex)).save(folder.resolve("c")))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("c: safetensors has no dtype complex128");
    assertThat(folder.resolve("c")).doesNotExist();
  }
}
