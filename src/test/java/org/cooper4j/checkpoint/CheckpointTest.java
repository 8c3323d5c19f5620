package org.cooper4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.arange;
import static org.bytedeco.pytorch.global.torch.ones;
import static org.bytedeco.pytorch.global.torch.zeros;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.here;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.EveryDevice;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@EveryDevice
class CheckpointTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("état.pth");
  }

  private Checkpoint roundTrip(Map<String, ?> state) {
    Checkpoint.save(file, state);
    return Checkpoint.load(file);
  }

  static Stream<Object> values() {
    return Stream.of(
        true,
        0L,
        Long.MIN_VALUE,
        BigInteger.TWO.pow(200).negate(),
        -0.0,
        Double.NaN,
        Double.MIN_VALUE,
        "",
        "naïve \uD83D\uDE00",
        "lone \uD800 surrogate",
        List.of(),
        List.of(1L, List.of(2L)),
        new LinkedHashSet<>(List.of("b", "a")),
        new Python.Tuple(List.of(1L, new Python.Tuple(List.of()))),
        new Python.Complex(1, -0.0),
        new Python.Counter(Map.of("a", 3L)),
        new Python.Size(List.of(2L, 0L)),
        new Python.Dtype("bfloat16"),
        new Python.Device("cuda:1"),
        new Python.Layout("torch.sparse_coo"),
        new Python.EnumMember("cooper.optim.torch_optimizers.nupi_optimizer.nuPIInitType", 1L));
  }

  @ParameterizedTest
  @MethodSource("values")
  void aValueComesBackAsItWas(Object value) {
    assertThat(roundTrip(Map.of("v", value)).asMap().get("v"))
        .isEqualTo(value)
        .isInstanceOf(value instanceof List ? List.class : value.getClass());
  }

  @Test
  void bytesComeBackAsTheyWere() {
    byte[] bytes = {0, -1, 10, 127};
    Checkpoint loaded =
        roundTrip(Map.of("bytes", bytes, "array", new Python.ByteArray(bytes), "none", List.of()));
    assertThat((byte[]) loaded.asMap().get("bytes")).isEqualTo(bytes);
    assertThat(((Python.ByteArray) loaded.asMap().get("array")).bytes()).isEqualTo(bytes);
  }

  @ParameterizedTest
  @EnumSource(
      value = torch.ScalarType.class,
      names = {
        "Byte",
        "Char",
        "Short",
        "Int",
        "Long",
        "Half",
        "Float",
        "Double",
        "ComplexHalf",
        "ComplexFloat",
        "ComplexDouble",
        "Bool",
        "BFloat16",
        "Float8_e5m2",
        "Float8_e4m3fn",
        "Float8_e5m2fnuz",
        "Float8_e4m3fnuz",
        "UInt16",
        "UInt32",
        "UInt64"
      })
  void aTensorOfEveryTypeComesBackAsItWas(torch.ScalarType dtype) {
    Tensor tensor = here(arange(new Scalar(6))).reshape(2, 3).to(dtype);

    Tensor loaded = roundTrip(Map.of("t", tensor)).tensor("t");

    assertThat(loaded.scalar_type().intern()).isEqualTo(dtype);
    assertThat(loaded.shape()).containsExactly(2, 3);
    assertThat(loaded.to(torch.ScalarType.Double).equal(tensor.cpu().to(torch.ScalarType.Double)))
        .isTrue();
  }

  @Test
  void viewsOfOneStorageStayViewsAndOneObjectStaysOne() {
    Tensor whole = here(arange(new Scalar(12.0))).reshape(3, 4);
    List<Object> shared = new ArrayList<>(List.of(1L));
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("t", whole.t());
    state.put("row", whole.select(0, 1));
    state.put("again", state.get("row"));
    state.put("a", shared);
    state.put("b", shared);
    state.put("self", state);

    Map<String, Object> loaded = roundTrip(state).asMap();

    Tensor transposed = (Tensor) loaded.get("t");
    Tensor row = (Tensor) loaded.get("row");
    row.fill_(new Scalar(-1));
    assertThat(transposed.strides().vec().get()).containsExactly(1, 4);
    assertThat(transposed.select(1, 1).sum().item_double()).isEqualTo(-4);
    assertThat(loaded.get("again")).isSameAs(row);
    assertThat(loaded.get("b")).isSameAs(loaded.get("a"));
    assertThat(loaded.get("self")).isSameAs(loaded);
    assertThat(loaded.keySet()).containsExactly("t", "row", "again", "a", "b", "self");
  }

  static Stream<Arguments> wrongReads() {
    return Stream.of(
        Arguments.of("a.b", "a.b: expected a tensor, found nothing"),
        Arguments.of("a.weight.x", "a.weight: expected a dict, found float32 [2]"),
        Arguments.of("n", "n: expected a tensor, found Long"));
  }

  @ParameterizedTest
  @MethodSource("wrongReads")
  void aWrongReadNamesTheKeyPath(String path, String message) {
    Checkpoint loaded = roundTrip(Map.of("a", Map.of("weight", zeros(2)), "n", 1));
    assertThatThrownBy(
            () -> {
              Checkpoint at = loaded;
              List<String> keys = List.of(path.split("\\.", -1));
              for (String key : keys.subList(0, keys.size() - 1)) {
                at = at.map(key);
              }
              at.tensor(keys.get(keys.size() - 1));
            })
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void whatHasNoPlaceInACheckpointIsRefusedAndTheOldFileStays() {
    Checkpoint.save(file, Map.of("old", 1));
    assertThatThrownBy(
            () -> Checkpoint.save(file, Map.of("a", List.of(Map.of("f", Thread.currentThread())))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("checkpoint.a[0].f: java.lang.Thread cannot be saved");
    assertThat(Checkpoint.load(file).integer("old")).isEqualTo(1);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS) // which has no modes
  void aSavedFileKeepsItsModeAndLeavesNoLitter() throws IOException {
    Checkpoint.save(file, Map.of("v", 1));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    Checkpoint.save(file, Map.of("v", 2));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-r-----");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void aFolderThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> Checkpoint.save(folder.resolve("no/x.pth"), Map.of()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("no");
    assertThatThrownBy(() -> Checkpoint.load(folder.resolve("absent.pth")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("absent.pth");
  }

  @Test
  void aModuleTakesAllOfAStateOrNothing() {
    LinearImpl model = new LinearImpl(2, 1);
    model.to(device(), false);
    StateDict state = StateDict.of(model);
    Checkpoint loaded = roundTrip(Map.of("model", state));
    Map<String, Object> wrong = new LinkedHashMap<>(loaded.map("model").asMap());
    wrong.put("weight", ones(1, 2));
    wrong.put("bias", ones(3));
    Tensor before = model.weight().clone();

    assertThatThrownBy(() -> StateDict.load(model, wrong))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("bias: expected float32 [1], found float32 [3]");

    assertThat(model.weight().equal(before)).isTrue();
    assertThat(loaded.asMap().get("model")).isInstanceOf(StateDict.class);
    assertThat(Set.copyOf(loaded.map("model").asMap().keySet())).containsOnly("weight", "bias");
    StateDict.load(model, loaded.map("model").asMap());
  }
}
