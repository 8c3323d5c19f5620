package org.cooper4j.training.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** CSV and JSON lines. */
class RecordFilesTest {
  /** Both kinds. */
  enum Kind {
    CSV(CsvLog::new),
    JSON(JsonLog::new);

    private final Function<Path, TrainingLog> open;

    Kind(Function<Path, TrainingLog> open) {
      this.open = open;
    }
  }

  @TempDir private Path folder;

  private static Map<String, Number> values(Object... namesAndValues) {
    Map<String, Number> values = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      values.put((String) namesAndValues[i], (Number) namesAndValues[i + 1]);
    }
    return values;
  }

  private static void record(TrainingLog log, long from, long to) {
    for (long step = from; step <= to; step++) {
      log.record(step, values("loss", 1.0 / step, "violation/norm", -0.5));
    }
  }

  @Test
  void aCsvFileHasAHeaderAndARowARecord() throws IOException {
    Path file = folder.resolve("new").resolve("log.csv");
    try (CsvLog log = new CsvLog(file)) {
      log.record(3, values("loss", 0.25, "violation/norm", -0.1, "epoch", 1));
      log.record(6, values("violation/norm", Double.NaN, "loss", Double.NEGATIVE_INFINITY));
    }
    assertThat(file)
        .hasContent(
            """
            step,loss,violation/norm,epoch
            3,0.25,-0.1,1
            6,-Infinity,NaN,
            """);
  }

  @Test
  void aNameThatComesLaterGetsAColumnAtTheEnd() throws IOException {
    Path file = folder.resolve("log.csv");
    try (CsvLog log = new CsvLog(file)) {
      log.record(1, values("loss", 0.5));
      log.record(2, values("validation/loss", 0.75, "loss", 0.25));
      log.record(3, values("loss", 0.125));
    }
    String whole =
        """
        step,loss,validation/loss
        1,0.5,
        2,0.25,0.75
        3,0.125,
        """;
    assertThat(file).hasContent(whole);
    try (CsvLog log = new CsvLog(file)) {
      log.record(4, values("loss", 0.0625));
    }
    assertThat(file).hasContent(whole + "4,0.0625,\n");
    assertThat(folder).isDirectoryNotContaining("glob:**.part");
  }

  @Test
  void namesOfAnyCharactersAreQuoted() throws IOException {
    Path file = folder.resolve("log.csv");
    Map<String, Number> values = values("a,b", 1, "say \"x\"", 2, "two\nlines", 3, "größe 😀", 4);
    for (int step = 1; step <= 2; step++) {
      try (CsvLog log = new CsvLog(file)) {
        log.record(step, values);
      }
    }
    assertThat(file)
        .hasContent(
            """
            step,"a,b","say ""x\""",two lines,größe 😀
            1,1,2,3,4
            2,1,2,3,4
            """);

    Path json = folder.resolve("log.jsonl");
    try (JsonLog log = new JsonLog(json)) {
      log.record(1, values);
    }
    JsonObject line = JsonParser.parseString(Files.readString(json)).getAsJsonObject();
    assertThat(line.keySet()).containsExactly("step", "a,b", "say \"x\"", "two\nlines", "größe 😀");
    assertThat(Files.readAllLines(json)).hasSize(1);
  }

  @Test
  void jsonHasItsNumbersAndStringsForWhatIsNone() throws IOException {
    Path file = folder.resolve("log.jsonl");
    try (JsonLog log = new JsonLog(file)) {
      log.record(
          12, values("loss", 1e-30, "nan", Float.NaN, "up", Double.POSITIVE_INFINITY, "epoch", 1L));
    }
    assertThat(file)
        .hasContent(
            "{\"step\":12,\"loss\":1.0E-30,\"nan\":\"NaN\",\"up\":\"Infinity\",\"epoch\":1}\n");
  }

  @ParameterizedTest
  @EnumSource
  void aResumedRunLeavesTheFileOfOneThatWasNotInterrupted(Kind kind) throws IOException {
    Path whole = folder.resolve("whole");
    Path resumed = folder.resolve("resumed");
    try (TrainingLog log = kind.open.apply(whole)) {
      record(log, 1, 12);
    }
    try (TrainingLog log = kind.open.apply(resumed)) {
      record(log, 1, 9);
    }
    // The system lost a part of the last line, and the checkpoint was of step 6.
    Files.write(resumed, new byte[] {'1', '0', ',', '0', '.'}, StandardOpenOption.APPEND);
    try (TrainingLog log = kind.open.apply(resumed)) {
      record(log, 7, 12);
    }
    assertThat(resumed).hasSameTextualContentAs(whole);
  }

  @ParameterizedTest
  @EnumSource
  void aRowIsInTheFileWhenTheCallReturns(Kind kind) throws IOException {
    Path file = folder.resolve("log");
    try (TrainingLog log = kind.open.apply(file)) {
      record(log, 1, 2);
      assertThat(Files.readString(file)).contains("-0.5").endsWith("\n");
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFileOfSomethingElseIsRefusedAndStaysAsItIs(Kind kind) throws IOException {
    Path file = Files.writeString(folder.resolve("thesis.txt"), "All happy families");
    assertThatThrownBy(() -> kind.open.apply(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("thesis.txt: no log of this kind")
        .hasMessageEndingWith("; name another file");
    assertThat(file).hasContent("All happy families");
  }

  @ParameterizedTest
  @EnumSource
  void aFileOfACrashBeforeTheFirstLineEndedIsGoneOnWith(Kind kind) throws IOException {
    Path file = Files.writeString(folder.resolve("log"), kind == Kind.CSV ? "step,lo" : "{\"ste");
    try (TrainingLog log = kind.open.apply(file)) {
      record(log, 1, 1);
    }
    assertThat(Files.readString(file)).contains("1").doesNotContain("step,lostep", "{\"ste{");
  }
}
