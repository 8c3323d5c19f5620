package org.cooper4j.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.ones;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.bytedeco.pytorch.LBFGS;
import org.bytedeco.pytorch.LBFGSOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What Java makes of a file is counted as what the native layer does. */
class BudgetTest {
  private static final int N = 20_000;

  // A pickle's parts, each char a byte.

  private static String times(int count, IntFunction<String> part) {
    return IntStream.range(0, count).mapToObj(part).collect(Collectors.joining());
  }

  private static String integer(long value) {
    return "\u008a\u0008" + littleEndian(8, value);
  }

  private static String text(String ascii) {
    return "X" + littleEndian(4, ascii.length()) + ascii;
  }

  private static String littleEndian(int bytes, long value) {
    byte[] all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    return new String(all, 0, bytes, ISO_8859_1);
  }

  private static String storage() {
    return "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K\u0001tQ";
  }

  /** Of one number, seen as many. */
  private static String tensor(long size) {
    return "ctorch._utils\n_rebuild_tensor_v2\n("
        + storage()
        + "K\u0000("
        + integer(size)
        + "t(K\u0000t\u0089ccollections\nOrderedDict\n)RtR";
  }

  private static byte[] file(String pickle) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      store(zip, "data.pkl", ("\u0080\u0002" + pickle + ".").getBytes(ISO_8859_1));
      store(zip, "data/0", new byte[4]);
      store(zip, "version", "3\n".getBytes(UTF_8));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return bytes.toByteArray();
  }

  private static void store(ZipOutputStream zip, String name, byte[] data) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(data);
    ZipEntry entry = new ZipEntry("archive/" + name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(data.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(data);
  }

  private static Checkpoint load(String pickle) {
    return Checkpoint.load(file(pickle), new LoadOptions());
  }

  @Test
  void aDictNamedAgainAndAgainIsFilledOnce() {
    String dict = "}(" + times(N, i -> integer(i) + "N") + "uq\u0001";
    List<?> list = (List<?>) load("](" + dict + times(N, i -> "h\u0001") + "e").root();
    assertThat(list).hasSize(N + 1);
    assertThat(list.get(N)).isSameAs(list.get(0));
    assertThat((Map<?, ?>) list.get(0)).hasSize(N);
  }

  /** What has one hash in Java, though not in the file. */
  static Stream<Arguments> collidingKeys() {
    return Stream.of(
        Arguments.of("tuples", (IntFunction<String>) BudgetTest::collidingTuple),
        Arguments.of(
            "texts and ints",
            (IntFunction<String>)
                i -> i % 2 == 0 ? text(collidingText(i / 2)) : integer(collidingLong(i / 2))));
  }

  /** Of 16 pairs that are (0, 31) or (1, 0), which a list's hash does not tell apart. */
  private static String collidingTuple(int i) {
    return "(" + times(16, bit -> (i >> bit & 1) == 0 ? "K\u0000K\u001f" : "K\u0001K\u0000") + "t";
  }

  private static String collidingText(int i) {
    return IntStream.range(0, 16)
        .mapToObj(bit -> (i >> bit & 1) == 0 ? "Aa" : "BB")
        .collect(Collectors.joining());
  }

  private static long collidingLong(int i) {
    long hash = collidingText(0).hashCode() & 0xFFFFFFFFL;
    return (long) i << 32 | (hash ^ i);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("collidingKeys")
  void keysOfOneHashAreRefusedWhereTheyAreMany(String name, IntFunction<String> key) {
    assertThat((Map<?, ?>) load("}(" + times(100, i -> key.apply(i) + "N") + "u").root())
        .hasSize(100);
    assertThatThrownBy(() -> load("}(" + times(N, i -> key.apply(i) + "N") + "u"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("making its objects goes beyond the");
  }

  @Test
  void tensorsThatAFileMakesAgainAndAgainAreRefusedWhereTheyAreMany() {
    String call = "ctorch._utils\n_rebuild_tensor_v2\nq\u0001(" + storage() + "K\u0000))";
    String args = "\u0089ccollections\nOrderedDict\n)Rtq\u0002R";
    IntFunction<String> many = n -> "](" + call + args + times(n, i -> "h\u0001h\u0002R") + "e";
    assertThat((List<?>) load(many.apply(1000)).root()).hasSize(1001);
    assertThatThrownBy(() -> load(many.apply(10 * N)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("goes beyond the");
  }

  @Test
  void theLimitSaysHowMuchAFileMayCost() {
    byte[] file = file("](" + times(N, i -> "}") + "e");
    LoadOptions little = new LoadOptions().limit(1000);
    assertThatThrownBy(() -> Checkpoint.load(file, little))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("raise the limit of 1000");
    assertThat((List<?>) Checkpoint.load(file, new LoadOptions().limit(10_000_000)).root())
        .hasSize(N);
    assertThatThrownBy(() -> new LoadOptions().limit(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found -1");
  }

  @Test
  void aStretchedTensorIsNoGeneratorsState() {
    Tensor stretched = zeros(1).to(ScalarType.Byte).expand(1L << 40);
    assertThatThrownBy(() -> RngState.set(stretched))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a state of 1099511627776 bytes is none of cpu's generator");
  }

  @Test
  void aHistoryThatNamesOneTensorManyTimesIsRefused() {
    Tensor weight = zeros(100_000).requires_grad_(true);
    LBFGS optimizer = new LBFGS(new TensorVector(weight), new LBFGSOptions(0.1));
    Map<String, Object> state = new HashMap<>(OptimizerState.of(optimizer, false));
    Tensor direction = ones(1).expand(100_000);
    Map<String, Object> history = new HashMap<>();
    history.put("func_evals", 1L);
    history.put("n_iter", 1L);
    history.put("old_dirs", Collections.nCopies(1000, direction));
    state.put("state", Map.of(0L, history));
    assertThatThrownBy(() -> OptimizerState.load(optimizer, state, false, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("copying a history goes beyond the");
  }

  @Test
  void aStretchedTensorOfAFileIsAView() {
    Tensor loaded = load("}" + text("w") + tensor(1L << 40) + "s").tensor("w");
    assertThat(loaded.numel()).isEqualTo(1L << 40);
    assertThat(loaded.stride(0)).isZero();
  }
}
