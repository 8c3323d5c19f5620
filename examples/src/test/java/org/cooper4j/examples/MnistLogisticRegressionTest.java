package org.cooper4j.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.Cuda;
import org.cooper4j.checkpoint.Checkpoint;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MnistLogisticRegressionTest {
  private static final PrintStream ERR = System.err;
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @TempDir Path folder;

  @BeforeEach
  void catchErrors() {
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void releaseErrors() {
    System.setErr(ERR);
  }

  private static int run(Path out, String... options) {
    String[] all = new String[options.length + 4];
    System.arraycopy(options, 0, all, 0, options.length);
    all[options.length] = "--device=cpu";
    all[options.length + 1] = "--threads=1";
    all[options.length + 2] = "--out";
    all[options.length + 3] = out.toString();
    return Example.execute(new MnistLogisticRegression(), all);
  }

  private static JsonObject metrics(Path out) throws IOException {
    return JsonParser.parseString(Files.readString(out.resolve("metrics.json"))).getAsJsonObject();
  }

  @Test
  void allRecordedPointsAreThoseOfPython() throws IOException {
    assertThat(run(folder)).isZero();

    JsonObject found = metrics(folder);
    assertThat(found.get("test_accuracy").getAsDouble()).isEqualTo(0.8517);
    try (Reader json =
        new InputStreamReader(
            getClass().getResourceAsStream("/seed-mnist-metrics.json"), StandardCharsets.UTF_8)) {
      JsonObject python = JsonParser.parseReader(json).getAsJsonObject();
      python
          .getAsJsonObject("all_metrics")
          .asMap()
          .forEach((name, values) -> compare(name, found, values));
    }
    BufferedImage picture = ImageIO.read(folder.resolve("training.png").toFile());
    assertThat(picture.getWidth()).isGreaterThan(3 * picture.getHeight());
  }

  /** Of Python's twin there are 92 in the tutorial itself: what is neither blank nor a comment. */
  @Test
  void theProgramHasNoMoreLinesOfCodeThanPythons() throws IOException {
    Path source =
        Path.of(
            "src", "main", "java", "org", "cooper4j", "examples", "MnistLogisticRegression.java");
    assertThat(
            Files.readString(source)
                .replaceAll("(?s)/\\*.*?\\*/", "")
                .lines()
                .filter(line -> !line.isBlank() && !line.strip().startsWith("//")))
        .hasSizeLessThanOrEqualTo(92);
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void twoProcessesFindTheNumbersOfOne() throws Exception {
    Digits.write(folder, 100, 20);
    String data = "--data=" + folder;
    Path one = folder.resolve("one");
    assertThat(run(one, data, "--epochs=3", "--batch-size=8")).isZero();

    Path two = folder.resolve("two");
    runTwo(two, data, "--epochs=2", "--batch-size=8");
    runTwo(two, data, "--epochs=3", "--batch-size=8"); // resumes

    assertThat(metrics(two).get("test_accuracy")).isEqualTo(metrics(one).get("test_accuracy"));
    JsonObject expected = metrics(one).getAsJsonObject("all_metrics");
    JsonObject found = metrics(two).getAsJsonObject("all_metrics");
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    for (String name : expected.keySet()) {
      assertThat(numbers(found, name))
          .as(name)
          .containsExactly(numbers(expected, name), within(1e-4));
    }
  }

  private static double[] numbers(JsonObject metrics, String name) {
    return metrics.getAsJsonArray(name).asList().stream()
        .mapToDouble(JsonElement::getAsDouble)
        .toArray();
  }

  private void runTwo(Path out, String... options) throws Exception {
    String[] all = Arrays.copyOf(options, options.length + 3);
    all[options.length] = "--device=cpu";
    all[options.length + 1] = "--threads=1";
    all[options.length + 2] = "--out=" + out;
    List<String> printed = TwoProcesses.run(folder, MnistLogisticRegression.class, all);
    assertThat(printed.get(0)).contains("test accuracy");
    assertThat(printed.get(1)).doesNotContain("test accuracy");
  }

  @Test
  void itLearnsTheSameOnCuda() throws IOException {
    assumeTrue(torch.cuda_is_available(), "no CUDA");
    assertThat(Example.execute(new MnistLogisticRegression(), "--device=cuda", "--out=" + folder))
        .isZero();
    assertThat(metrics(folder).get("test_accuracy").getAsDouble()).isCloseTo(0.8517, within(2e-3));
  }

  @Test
  void aDeviceThatIsNotThereIsOneLineWithItsReason() {
    assertThat(Example.execute(new MnistLogisticRegression(), "--device=cuda:99")).isEqualTo(2);
    refusedWith(
        "device 'cuda:99' is not there: "
            + Cuda.whyUnavailable()
                .orElseGet(() -> "the last one is cuda:" + (torch.cuda_device_count() - 1)));
  }

  private static void compare(String name, JsonObject found, JsonElement expected) {
    List<JsonElement> points = found.getAsJsonObject("all_metrics").getAsJsonArray(name).asList();
    assertThat(points).as(name).hasSize(1094);
    for (int i = 0; i < points.size(); i++) {
      double value = expected.getAsJsonArray().get(i).getAsDouble();
      assertThat(points.get(i).getAsDouble())
          .as("%s at point %d", name, i)
          .isCloseTo(value, within(Math.max(1e-4, 1e-3 * Math.abs(value))));
    }
  }

  @Test
  void aResumedRunEqualsAnUninterruptedOneBitForBit() throws IOException {
    Digits.write(folder, 100, 20);
    String data = "--data=" + folder;
    Path whole = folder.resolve("whole");
    Path parts = folder.resolve("parts");

    assertThat(run(whole, data, "--epochs=4", "--batch-size=8")).isZero();
    assertThat(run(parts, data, "--epochs=3", "--batch-size=8")).isZero();
    assertThat(run(parts, data, "--epochs=4", "--batch-size=8", "--seed=7")).isZero();

    assertThat(parts.resolve("metrics.json"))
        .hasSameTextualContentAs(whole.resolve("metrics.json"));
    assertThat(parts.resolve("checkpoint.pth"))
        .hasSameBinaryContentAs(whole.resolve("checkpoint.pth"));
    Checkpoint checkpoint = Checkpoint.load(parts.resolve("checkpoint.pth"));
    assertThat(checkpoint.integer("epoch")).isEqualTo(3);
    assertThat(checkpoint.integer("batch_ix")).isEqualTo(52);
    assertThat(checkpoint.asMap())
        .containsOnlyKeys(
            "batch_ix",
            "epoch",
            "all_metrics",
            "model_state_dict",
            "cmp_state_dict",
            "cooper_optimizer_state_dict");
  }

  /** seed-mnist-checkpoint.pth is what Cooper's tutorial saved in Python, defaultdict and all. */
  @Test
  void aCheckpointOfPythonIsResumed() throws IOException {
    try (InputStream python = getClass().getResourceAsStream("/seed-mnist-checkpoint.pth")) {
      Files.copy(python, folder.resolve("checkpoint.pth"));
    }

    assertThat(run(folder, "--epochs=8")).isZero();

    assertThat(metrics(folder).get("test_accuracy").getAsDouble()).isCloseTo(0.8518, within(2e-4));
    Checkpoint checkpoint = Checkpoint.load(folder.resolve("checkpoint.pth"));
    assertThat(checkpoint.integer("epoch")).isEqualTo(7);
    assertThat(checkpoint.map("all_metrics").list("train_loss")).hasSize(1094 + 156);
  }

  @Test
  void aFinishedRunIsReportedAgainWithoutTraining() throws IOException {
    Digits.write(folder, 30, 20);
    assertThat(run(folder, "--data=" + folder, "--epochs=2")).isZero();
    String first = Files.readString(folder.resolve("metrics.json"));
    Files.delete(folder.resolve("metrics.json"));
    assertThat(run(folder, "--data=" + folder, "--epochs=2")).isZero();
    assertThat(folder.resolve("metrics.json")).hasContent(first);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "--epochs=0        | --epochs: expected at least 1, found 0",
        "--epochs=x        | Invalid value for option '--epochs': 'x' is not an int",
        "--batch-size=-3   | --batch-size: expected at least 1, found -3",
        "--level=0         | --level: expected a finite number above 0, found 0.0",
        "--level=NaN       | --level: expected a finite number above 0, found NaN",
        "--device=gpu      | expected cpu, cuda, cuda:N or auto, found 'gpu'",
        "--seed=1.5        | Invalid value for option '--seed'",
        "--momentum=0.9    | Unknown option: '--momentum=0.9'",
        "--data=nowhere    | nowhere: not a folder of MNIST's IDX files",
      })
  void wrongOptionsAreOneLineAndExitCode2(String option, String message) {
    int code =
        Example.execute(new MnistLogisticRegression(), option, "--out=" + folder.resolve("none"));
    assertThat(code).isEqualTo(2);
    refusedWith(message);
  }

  @Test
  void wrongDataAndCheckpointsAreOneLineAndExitCode2() throws IOException {
    Files.createDirectories(folder.resolve("empty"));
    assertThat(run(folder, "--data=" + folder.resolve("empty"))).isEqualTo(2);
    refusedWith("expected a file train-images-idx3-ubyte");

    Digits.write(folder, 30, 20);
    String data = "--data=" + folder;
    assertThat(run(folder, data, "--epochs=1", "--batch-size=10")).isZero();
    assertThat(run(folder, data, "--epochs=2", "--batch-size=15")).isEqualTo(2);
    refusedWith("batch_ix: expected 2 batches in each of 1 epochs, found 3 in all");

    Files.writeString(folder.resolve("checkpoint.pth"), "no checkpoint");
    assertThat(run(folder, data)).isEqualTo(2);
    refusedWith("cannot resume: " + folder.resolve("checkpoint.pth"));
    assertThat(run(folder.resolve("checkpoint.pth"), data)).isEqualTo(2);
    refusedWith("checkpoint.pth: FileAlreadyExists");
  }

  private void refusedWith(String message) {
    assertThat(err.toString(StandardCharsets.UTF_8).lines())
        .singleElement()
        .asString()
        .startsWith("mnist: ")
        .contains(message);
    err.reset();
  }
}
