package org.cooper4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LBFGS;
import org.bytedeco.pytorch.LBFGSOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.internal.Tensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What people's programs write; src/test/python/wild_checkpoints.py made the files. */
class WildCheckpointTest {
  private static final Path FOLDER = Path.of("src/test/resources/checkpoints/wild");
  private static final LoadOptions OPAQUE = new LoadOptions().opaque(true);

  @TempDir Path folder;

  private static Checkpoint load(String name) {
    return Checkpoint.load(FOLDER.resolve(name + ".pt"));
  }

  private static float[] floats(Tensor tensor) {
    float[] values = new float[(int) tensor.numel()];
    tensor.contiguous().data_ptr_float().get(values);
    return values;
  }

  @ParameterizedTest
  @ValueSource(strings = {"numpy", "numpy_1"})
  void numbersAndArraysOfNumpyAreNumbersAndTensors(String name) {
    Checkpoint file = load(name);
    assertThat(file.asMap())
        .contains(
            entry("float64", 71.5),
            entry("float32", 0.5),
            entry("float16", -1.5),
            entry("int64", -7L),
            entry("uint64", BigInteger.TWO.pow(64).subtract(BigInteger.ONE)),
            entry("bool", true),
            entry("complex", new Python.Complex(1, -2)));
    for (String matrix : List.of("matrix", "fortran", "big")) {
      assertThat(file.tensor(matrix).shape()).containsExactly(2, 3);
      assertThat(floats(file.tensor(matrix))).containsExactly(0, 1, 2, 3, 4, 5);
    }
    assertThat(file.tensor("scalar").item_double()).isEqualTo(3);
    assertThat(file.tensor("empty").shape()).containsExactly(0, 4);
    assertThat(file.list("shared").get(0)).isSameAs(file.tensor("matrix"));
  }

  @Test
  void objectsOfOtherClassesAreRefusedWithTheirPlacesAndNames() {
    assertThatThrownBy(() -> load("opaque"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll(
            "['args'] is argparse.Namespace",
            "collections.deque",
            "posix.system",
            "__main__.AttributeDict",
            "numpy.ndarray of dtype O8",
            "--opaque");
  }

  @Test
  void withTheOptionWhatStandsBesideThemLoadsAndTheyFailWhenTouched() {
    Checkpoint file = Checkpoint.load(FOLDER.resolve("opaque.pt"), OPAQUE);
    assertThat(file.integer("epoch")).isEqualTo(3);
    assertThat(file.map("state_dict").tensor("weight").shape()).containsExactly(1, 3);
    assertThat(((Python.Opaque) file.asMap().get("args")).className())
        .isEqualTo("argparse.Namespace");
    assertThat(file.asMap().get("system")).hasToString("opaque posix.system");
    assertThatThrownBy(() -> file.map("args"))
        .hasMessage("args: expected a dict, found an opaque argparse.Namespace");
    assertThatThrownBy(() -> Checkpoint.save(folder.resolve("x.pt"), file.root()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("args: an object of argparse.Namespace");
    assertThat(folder.resolve("x.pt")).doesNotExist();
    Checkpoint.save(folder.resolve("x.pt"), file.map("state_dict").root());
  }

  @Test
  void filesOfBeforeTorch1Point6AreRead() {
    Checkpoint file = load("legacy");
    assertThat(floats(file.tensor("weight"))).containsExactly(1, 1, 1);
    assertThat(floats(file.tensor("view"))).containsExactly(2, 3);
    assertThat(file.integer("epoch")).isEqualTo(3);
    assertThat(((Tensor) load("legacy_root").root()).shape()).containsExactly(1, 3);
    assertThat(load("legacy_empty").asMap()).isEmpty();
    assertThatThrownBy(() -> load("legacy_opaque")).hasMessageContaining("['args']");
    Checkpoint opaque = Checkpoint.load(FOLDER.resolve("legacy_opaque.pt"), OPAQUE);
    assertThat(floats(opaque.map("state_dict").tensor("bias"))).containsExactly(0);
  }

  @Test
  void aCutOrLongerFileOfTheOldFormatIsRefused() throws IOException {
    byte[] whole = Files.readAllBytes(FOLDER.resolve("legacy.pt"));
    for (int size = 0; size < whole.length; size++) {
      byte[] cut = Arrays.copyOf(whole, size);
      assertThatThrownBy(() -> Checkpoint.load(cut, new LoadOptions()))
          .isInstanceOf(CheckpointException.class);
    }
    byte[] more = Arrays.copyOf(whole, whole.length + 1);
    assertThatThrownBy(() -> Checkpoint.load(more, new LoadOptions()))
        .hasMessageContaining("goes on for 1 bytes");
  }

  @Test
  void anythingMayStandAtTheTop() {
    Checkpoint list = load("root_list");
    assertThat(floats(list.tensor(0))).containsExactly(1, 1, 1);
    assertThatThrownBy(() -> list.tensor(2)).hasMessage("[2]: expected a tensor, found nothing");
    assertThatThrownBy(list::asMap).hasMessageContaining("expected a dict, found ArrayList");
    assertThat(((Tensor) load("root_tensor").root()).shape()).containsExactly(1, 3);
    assertThat(load("root_none").root()).isNull();
    Checkpoint.save(folder.resolve("list.pt"), new ArrayList<>(List.of(1L, "two")));
    assertThat(Checkpoint.load(folder.resolve("list.pt")).string(1)).isEqualTo("two");
  }

  @Test
  void intKeysAndPlacesInListsAreReached() {
    Checkpoint file = load("int_keys");
    assertThat(file.map("by_class").number(0)).isEqualTo(0.5);
    assertThat(file.map("by_class").number(1)).isEqualTo(0.7);
    assertThat(file.at("runs").map(0).integer("epoch")).isEqualTo(1);
    assertThat(file.at("runs").at(1).string(1)).isEqualTo("x");
    assertThatThrownBy(() -> file.at("runs").at(1).tensor(0))
        .hasMessage("runs[1][0]: expected a tensor, found Long");
  }

  @Test
  void parametersAndAttributesComeBackAsTheyWere() {
    Checkpoint.save(folder.resolve("p.pt"), load("parameters").root());
    Checkpoint file = Checkpoint.load(folder.resolve("p.pt"));
    var plain = (Python.TensorObject) file.tensor("plain");
    assertThat(plain.isParameter()).isTrue();
    assertThat(plain.requires_grad()).isTrue();
    var frozen = (Python.TensorObject) file.tensor("frozen");
    assertThat(frozen.isParameter()).isTrue();
    assertThat(frozen.requires_grad()).isFalse();
    assertThat(frozen.attributes()).containsExactly(entry("note", "kept"));
    var tagged = (Python.TensorObject) file.tensor("tagged");
    assertThat(tagged.isParameter()).isFalse();
    assertThat(((Map<?, ?>) tagged.attributes().get("owner")).get("friend")).isSameAs(plain);
    assertThat(floats(tagged)).containsExactly(1, 1);
  }

  @Test
  void compressedSparseTensorsOfAllLayoutsGoThrough() {
    Checkpoint.save(folder.resolve("s.pt"), load("sparse_compressed").root());
    Checkpoint file = Checkpoint.load(folder.resolve("s.pt"));
    for (String name : List.of("csr", "csc", "bsr", "bsc")) {
      assertThat(floats(file.tensor(name).to_dense())).hasSize(16).contains(2, 0);
      assertThat(file.tensor(name).sum().item_float()).as(name).isEqualTo(8);
    }
    assertThat(load("storage").tensor("s").shape()).containsExactly(24);
  }

  @ParameterizedTest
  @CsvSource({
    "quantised,a quantised tensor; save its dequantize()",
    "meta,'a meta tensor, which has no values'",
    "nested,a nested tensor; save its unbind()"
  })
  void tensorsThatAreNotReadAreCalledWhatTheyAre(String name, String what) {
    assertThatThrownBy(() -> load(name)).hasMessageContaining("['x'] is " + what);
    Checkpoint beside = Checkpoint.load(FOLDER.resolve(name + ".pt"), OPAQUE);
    assertThat(beside.asMap().get("x")).isInstanceOf(Python.Opaque.class);
  }

  @Test
  void bytesBuffersStreamsAndOtherFileSystemsWork() throws IOException {
    Map<String, Object> state = Map.of("x", torch.ones(3));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Checkpoint.save(out, state);
    byte[] bytes = out.toByteArray();
    ByteBuffer direct = ByteBuffer.allocateDirect(bytes.length + 2).position(1);
    direct.put(bytes).limit(bytes.length + 1).position(1);
    LoadOptions options = new LoadOptions();
    for (Checkpoint read :
        List.of(
            Checkpoint.load(bytes, options),
            Checkpoint.load(direct, options),
            Checkpoint.load(new ByteArrayInputStream(bytes), options))) {
      assertThat(floats(read.tensor("x"))).containsExactly(1, 1, 1);
    }
    assertThat(direct.position()).isEqualTo(1);

    URI zip = URI.create("jar:" + folder.resolve("files.zip").toUri());
    try (FileSystem inZip = FileSystems.newFileSystem(zip, Map.of("create", "true"))) {
      Path file = inZip.getPath("a.pt");
      Checkpoint.save(file, state);
      Checkpoint.save(file, state);
      assertThat(floats(Checkpoint.load(file).tensor("x"))).containsExactly(1, 1, 1);
      Path weights = inZip.getPath("a.safetensors");
      SafeTensors.of(state).save(weights);
      assertThat(floats(SafeTensors.load(weights).tensors().get("x"))).containsExactly(1, 1, 1);
    }
    assertThat(Path.of("a.pt")).doesNotExist();
    assertThatThrownBy(() -> Checkpoint.load(InputStream.nullInputStream(), options))
        .isInstanceOf(CheckpointException.class);
    OutputStream closed = OutputStream.nullOutputStream();
    closed.close();
    assertThatThrownBy(() -> Checkpoint.save(closed, state))
        .isInstanceOf(CheckpointException.class);
  }

  @Test
  void aMisfitNamesAllKeysAndThePrefixThatWouldMakeThemFit() {
    LinearImpl model = new LinearImpl(3, 1);
    Map<String, Object> ddp = load("ddp").asMap();
    assertThatThrownBy(() -> StateDict.load(model, ddp))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "missing keys: weight, bias; unexpected keys: module.weight, module.bias; expected:"
                + " weight (float32 [1, 3]), bias (float32 [1]). They are there behind the prefix"
                + " 'module.': StateDict.withoutPrefix(state, \"module.\") takes it off");
    StateDict.load(model, StateDict.withoutPrefix(ddp, "module."));
    assertThat(floats(model.weight().detach())).containsExactly(1, 1, 1);

    StateDict best = StateDict.copyOf(StateDict.of(model));
    model.weight().data().zero_();
    assertThat(floats((Tensor) best.get("weight"))).containsExactly(1, 1, 1);
  }

  @Test
  void aCheckpointIsCalledOneByTheOtherFormat() {
    assertThatThrownBy(() -> SafeTensors.load(FOLDER.resolve("ddp.pt")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("is a checkpoint of torch.save, which Checkpoint.load reads");
  }

  @Test
  void whateverPythonAcceptsInASavedGroupIsAccepted() {
    Adam adam = new Adam(new TensorVector(torch.ones(2).requires_grad_(true)), new AdamOptions(1));
    Map<String, Object> state = OptimizerState.of(adam, false);
    Map<String, Object> group = group(state);
    group.put("lr", -9.6e-07);
    group.put("betas", new Python.Tuple(List.of(1.5, 2L)));
    group.put("eps", Tensors.scalar(-1));
    group.put("amsgrad", 1L);
    group.put("name", "head");
    OptimizerState.load(adam, state, false, false);
    Map<String, Object> saved = group(OptimizerState.of(adam, false));
    assertThat(saved).contains(entry("lr", -9.6e-07), entry("name", "head"), entry("amsgrad", 1L));
    assertThat(saved.keySet()).containsExactlyElementsOf(withParamsLast(group));
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> group(Map<String, Object> state) {
    return ((List<Map<String, Object>>) state.get("param_groups")).get(0);
  }

  private static List<String> withParamsLast(Map<String, Object> group) {
    List<String> keys = new ArrayList<>(group.keySet());
    keys.remove("params");
    keys.add("params");
    return keys;
  }

  @ParameterizedTest
  @CsvSource({
    "history_size,0,history_size: expected an int from 1 to 1000000",
    "history_size,-3,history_size: expected an int from 1 to 1000000",
    "history_size,1000000000000,history_size: expected an int from 1 to 1000000",
    "old_dirs,3,old_dirs: expected at most history_size = 2 directions",
    "old_stps,1,'old_stps: expected 2 entries, as many as old_dirs has'",
    "ro,0,'ro: expected 2 entries, as many as old_dirs has'",
    "al,1,al: expected history_size = 2 entries",
    "d,0,'d: expected a tensor, since n_iter is 3'"
  })
  void statesOfLbfgsThatAStepWouldNotBearAreRefused(String key, long length, String reason) {
    LBFGS lbfgs = new LBFGS(new TensorVector(torch.ones(2).requires_grad_(true)), options());
    Map<String, Object> state = OptimizerState.of(lbfgs, false);
    Map<String, Object> own = new LinkedHashMap<>();
    own.put("func_evals", 4L);
    own.put("n_iter", 3L);
    for (String flat : List.of("d", "prev_flat_grad")) {
      own.put(flat, torch.ones(2));
    }
    own.put("t", 1.0);
    own.put("old_dirs", copies(torch.ones(2), 2));
    own.put("old_stps", copies(torch.ones(2), 2));
    own.put("ro", copies(Tensors.scalar(1), 2));
    own.put("al", copies(Tensors.scalar(1), 2));
    own.put("H_diag", Tensors.scalar(1));
    own.put("prev_loss", 1.0);
    state.put("state", Map.of(0L, own));
    group(state).put("history_size", 2L);
    OptimizerState.load(lbfgs, state, false, true);

    if (key.equals("history_size")) {
      group(state).put(key, length);
    } else if (key.equals("d")) {
      own.put(key, null);
    } else {
      boolean flat = key.startsWith("old");
      own.put(key, copies(flat ? torch.ones(2) : Tensors.scalar(1), (int) length));
    }
    assertThatThrownBy(() -> OptimizerState.load(lbfgs, state, false, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason);
  }

  private static LBFGSOptions options() {
    return new LBFGSOptions(1);
  }

  private static List<Object> copies(Tensor tensor, int count) {
    List<Object> copies = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      copies.add(tensor.clone());
    }
    return copies;
  }
}
