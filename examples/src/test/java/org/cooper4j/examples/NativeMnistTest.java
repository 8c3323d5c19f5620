package org.cooper4j.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The C++ tutorial, examples/cpp/mnist, beside the Java one. */
class NativeMnistTest {
  private static final Path PROGRAM = Path.of("..", "target", "native", "mnist", "cooper4j_mnist");
  private static final String PYTHON = "COOPER4J_PYTHON";

  @TempDir Path folder;

  private record Output(int code, String text) {}

  @BeforeAll
  static void isBuilt() {
    assumeThat(PROGRAM).as("`mvn install` with tests builds the C++ tutorial").isExecutable();
  }

  private static Output execute(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Output(process.waitFor(), text);
  }

  private static Output runNative(Path out, String... options) throws Exception {
    List<String> command = new ArrayList<>(List.of(PROGRAM.toString()));
    command.addAll(arguments(out, options));
    return execute(command);
  }

  private static int runJava(Path out, String... options) {
    return Example.execute(
        new MnistLogisticRegression(), arguments(out, options).toArray(new String[0]));
  }

  private static List<String> arguments(Path out, String... options) {
    List<String> all = new ArrayList<>(List.of("--device=cpu", "--threads=1", "--out=" + out));
    all.addAll(List.of(options));
    return all;
  }

  private static JsonObject metrics(Path out) throws IOException {
    return JsonParser.parseString(Files.readString(out.resolve("metrics.json"))).getAsJsonObject();
  }

  @Test
  void itsNumbersAreThoseOfJava() throws Exception {
    Path nativeOut = folder.resolve("native");
    Path javaOut = folder.resolve("java");
    assertThat(runNative(nativeOut)).satisfies(o -> assertThat(o.code()).as(o.text()).isZero());
    assertThat(runJava(javaOut)).isZero();

    assertThat(metrics(nativeOut).get("test_accuracy"))
        .isEqualTo(metrics(javaOut).get("test_accuracy"));
    JsonObject found = metrics(nativeOut).getAsJsonObject("all_metrics");
    JsonObject expected = metrics(javaOut).getAsJsonObject("all_metrics");
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    for (String name : expected.keySet()) {
      assertThat(numbers(found.get(name))).as(name).hasSize(1094);
      assertThat(numbers(found.get(name)))
          .as(name)
          .containsExactly(numbers(expected.get(name)), within(1e-4));
    }

    BufferedImage picture = ImageIO.read(nativeOut.resolve("training.png").toFile());
    assertThat(picture.getWidth()).isGreaterThan(3 * picture.getHeight());
    assertThat(nativeOut).isDirectoryNotContaining("glob:**.tmp");
  }

  private static double[] numbers(JsonElement list) {
    return list.getAsJsonArray().asList().stream().mapToDouble(JsonElement::getAsDouble).toArray();
  }

  @Test
  void aRunThatGoesOnInJavaEqualsAnUninterruptedOne() throws Exception {
    Digits.write(folder, 100, 20);
    String data = "--data=" + folder;
    Path whole = folder.resolve("whole");
    Path parts = folder.resolve("parts");
    assertThat(runNative(whole, data, "--epochs=4", "--batch-size=8").code()).isZero();
    assertThat(runNative(parts, data, "--epochs=2", "--batch-size=8").code()).isZero();
    assertThat(runJava(parts, data, "--epochs", "3", "--batch-size", "8")).isZero();
    assertThat(runNative(parts, data, "--epochs", "4", "--batch-size", "8", "--seed=7").code())
        .isZero();
    assertThat(parts.resolve("metrics.json"))
        .hasSameTextualContentAs(whole.resolve("metrics.json"));
    assertThat(parts.resolve("checkpoint.pth"))
        .hasSameBinaryContentAs(whole.resolve("checkpoint.pth"));
  }

  /** One epoch each in Python, Java, C++ and Python again. */
  @Test
  @EnabledIfEnvironmentVariable(named = PYTHON, matches = ".+")
  void aCheckpointFromPythonOverJavaAndCppToPythonEqualsAnUninterruptedRun() throws Exception {
    Path whole = folder.resolve("whole");
    Path parts = folder.resolve("parts");
    python("train", "data/mnist", whole.toString(), "--epochs=4");

    python("train", "data/mnist", parts.toString(), "--epochs=1");
    assertThat(runJava(parts, "--epochs=2")).isZero();
    assertThat(runNative(parts, "--epochs=3"))
        .satisfies(o -> assertThat(o.code()).as(o.text()).isZero())
        .satisfies(o -> assertThat(o.text()).contains("after epoch 2"));
    python("train", "data/mnist", parts.toString(), "--epochs=4");

    python(
        "compare",
        whole.resolve("checkpoint.pth").toString(),
        parts.resolve("checkpoint.pth").toString());
  }

  private static void python(String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(List.of(System.getenv(PYTHON), "src/test/python/mnist_tutorial.py"));
    command.addAll(List.of(arguments));
    assertThat(execute(command)).satisfies(o -> assertThat(o.code()).as(o.text()).isZero());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--epochs=0",
        "--batch-size=-3",
        "--level=NaN",
        "--device=gpu",
        "--seed=1.5",
        "--momentum=0.9",
        "--data=nowhere",
        "--threads",
      })
  void wrongOptionsAreOneLineAndExitCode2(String option) throws Exception {
    Output output = execute(List.of(PROGRAM.toString(), "--out=" + folder.resolve("none"), option));
    assertThat(output.code()).isEqualTo(2);
    assertThat(output.text().lines())
        .singleElement()
        .asString()
        .startsWith("mnist: ")
        .contains(option.split("=", 2)[0].equals("--data") ? "nowhere" : option.split("=", 2)[0])
        .endsWith("(see --help)");
  }

  @Test
  void wrongFilesAreOneLineAndExitCode2() throws Exception {
    Digits.write(folder, 30, 20);
    String data = "--data=" + folder;
    Path checkpoint = folder.resolve("checkpoint.pth");
    assertThat(runNative(folder, data, "--epochs=1", "--batch-size=10").code()).isZero();
    assertRefused(
        runNative(folder, data, "--epochs=2", "--batch-size=15"),
        "batch_ix: expected 2 batches in each of 1 epochs, found 3 in all");
    Files.writeString(checkpoint, "no checkpoint");
    assertRefused(runNative(folder, data), "cannot resume: " + checkpoint);
    assertRefused(runNative(checkpoint, data), "checkpoint.pth");

    Path labels = folder.resolve("train-labels-idx1-ubyte");
    byte[] gzip = Files.readAllBytes(Path.of("data/mnist/train-labels-idx1-ubyte.gz"));
    gzip[gzip.length / 2] ^= 1;
    Files.write(labels, gzip);
    assertRefused(runNative(folder.resolve("a"), data), labels + ": ");
    Files.write(labels, new byte[] {0, 0, 8, 1, 0, 0, 0, 30, 1, 2, 3});
    assertRefused(runNative(folder.resolve("a"), data), "expected 30 elements, found 3");
  }

  private static void assertRefused(Output output, String message) {
    assertThat(output.code()).as(output.text()).isEqualTo(2);
    assertThat(output.text().lines()).singleElement().asString().contains(message);
  }
}
