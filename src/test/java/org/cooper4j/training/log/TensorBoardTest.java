package org.cooper4j.training.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.cooper4j.Python;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.ofEpochSecond(1_700_000_000), ZoneOffset.UTC);

  /** A picture of one red point. */
  static final byte[] PNG =
      Base64.getDecoder()
          .decode(
              "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAD0lEQVR4nGP4z8AAQf8BCwgC/gk7H6oAAAAASUVORK5CYII=");

  @TempDir private Path folder;

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  /** tensorboard_golden.py of src/test/python writes the other file. */
  @Test
  void theBytesAreThoseOfPythonsWriter() throws IOException {
    try (TensorBoard board = new TensorBoard(folder, CLOCK)) {
      board.record(300, Map.of("loss", 0.5));
      board.image("größe", 300, PNG);
      assertThat(board.file())
          .hasBinaryContent(
              Files.readAllBytes(Path.of("src/test/resources/golden/tensorboard.tfevents")));
    }
  }

  @Test
  void aRecordIsInTheFileWhenTheCallReturns() throws IOException {
    try (TensorBoard board = new TensorBoard(folder)) {
      board.record(1, Map.of("loss", 1.0));
      long one = Files.size(board.file());
      board.record(2, Map.of("loss", 1.0));
      assertThat(Files.size(board.file())).isGreaterThan(one);
      assertThat(lastRecordIsWhole(board.file())).isTrue();
    }
  }

  private static boolean lastRecordIsWhole(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    while (at < bytes.limit()) {
      at += (int) bytes.getLong(at) + 16;
    }
    return at == bytes.limit();
  }

  @Test
  void filesOfLaterRunsComeAfterThoseOfEarlierOnesWhateverTheClockSays() throws IOException {
    Path first;
    try (TensorBoard board = new TensorBoard(folder, Clock.offset(CLOCK, Duration.ofDays(1)))) {
      first = board.file();
    }
    try (TensorBoard board = new TensorBoard(folder, CLOCK);
        TensorBoard another = new TensorBoard(folder, CLOCK)) {
      assertThat(files(folder)).containsExactly(first, board.file(), another.file());
    }
  }

  @Test
  void whatIsNoPngIsRefused() {
    try (TensorBoard board = new TensorBoard(folder)) {
      assertThatThrownBy(() -> board.image("weights", 1, new byte[40]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("image 'weights': expected the bytes of a PNG file");
      assertThatThrownBy(() -> board.image("weights", 1, new byte[0]))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aClosedOneAndAFolderThatCannotBeAreErrors() throws IOException {
    TensorBoard board = new TensorBoard(folder);
    board.close();
    board.close();
    assertThatThrownBy(() -> board.record(1, Map.of("loss", 1)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("was closed");
    assertThatThrownBy(() -> board.image("weights", 1, PNG))
        .isInstanceOf(IllegalStateException.class);
    Path file = Files.createFile(folder.resolve("file"));
    assertThatThrownBy(() -> new TensorBoard(file.resolve("run")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(file.toString());
  }

  @Test
  void pythonsTensorBoardReadsARunThatWasResumed() throws Exception {
    Python.require();
    try (TensorBoard board = new TensorBoard(folder)) {
      for (int step = 1; step <= 8; step++) {
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("loss", 1.0 / step);
        values.put("violation/größer, \"quoted\"", -0.5 * step);
        values.put("multiplier/norm", step == 3 ? Double.NaN : Double.POSITIVE_INFINITY);
        board.record(step, values);
        board.image("weights", step, PNG);
      }
    }
    // The checkpoint was of step 5.
    try (TensorBoard board = new TensorBoard(folder)) {
      for (int step = 6; step <= 10; step++) {
        board.record(step, Map.of("loss", 100.0 + step));
      }
    }
    Python.run("read_tensorboard.py", folder);
  }
}
