package org.cooper4j.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.examples.FairClassifier.Quality;
import org.cooper4j.examples.FairClassifier.Result;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class FairClassifierTest {
  private static final String PYTHON = "COOPER4J_PYTHON";

  @TempDir static Path folder;
  private static List<Result> results;
  private static Result unconstrained;

  @BeforeAll
  static void trainAtAllLevels() throws IOException {
    torch.set_num_threads(1);
    assertThat(Example.execute(new FairClassifier(), "--device=cpu", "--out=" + folder)).isZero();
    results = List.of(results(folder));
    unconstrained = results.get(0);
  }

  private static Result[] results(Path out) throws IOException {
    return new Gson().fromJson(Files.readString(out.resolve("fairness.json")), Result[].class);
  }

  @Test
  void everyLevelIsKeptOnTheTrainingSetAndNearlyOnTheTestSet() {
    assertThat(results)
        .allSatisfy(
            result -> {
              assertThat(Math.abs(result.train().gap())).isLessThanOrEqualTo(result.level());
              assertThat(Math.abs(result.test().gap())).isLessThan(result.level() + 0.01);
            });
  }

  @Test
  void parityCostsLittleAccuracy() {
    assertThat(unconstrained.level()).isEqualTo(1);
    assertThat(unconstrained.train().gap()).isGreaterThan(0.15);
    assertThat(unconstrained.test().accuracy()).isGreaterThan(0.85);
    assertThat(results.subList(1, results.size()))
        .hasSize(5)
        .allSatisfy(
            result -> {
              assertThat(result.test().gap()).isLessThan(unconstrained.test().gap());
              assertThat(result.test().accuracy()).isGreaterThan(0.825);
            });
  }

  @Test
  void theTradeOffIsDrawn() {
    assertThat(folder.resolve("fairness.png")).isNotEmptyFile();
  }

  /** Rounding is another, and Adam makes more of it than gradient descent does. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void twoProcessesGiveTheNumbersOfOne() throws IOException, InterruptedException {
    Path alone = folder.resolve("alone");
    Path together = folder.resolve("together");
    String[] options = {"--epochs=1", "--device=cpu", "--out=" + alone};
    assertThat(Example.execute(new FairClassifier(), options)).isZero();
    options[2] = "--out=" + together;
    TwoProcesses.run(folder, FairClassifier.class, options);
    Result[] expected = results(alone);
    Result[] found = results(together);
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(found[i].epoch()).isEqualTo(expected[i].epoch());
      compare(found[i].train(), expected[i].train());
      compare(found[i].test(), expected[i].test());
    }
  }

  @Test
  @Tag("python")
  @EnabledIfEnvironmentVariable(
      named = PYTHON,
      matches = ".+",
      disabledReason = "it needs COOPER4J_PYTHON, an interpreter with torch 2.10.0")
  void pythonLoadsTheModelsAndFindsTheSame() throws IOException, InterruptedException {
    for (Result result : results) {
      JsonObject found = evaluate(folder.resolve(FairClassifier.name(result.level())));
      compare(found, "train", result.train());
      compare(found, "test", result.test());
    }
  }

  private static JsonObject evaluate(Path model) throws IOException, InterruptedException {
    Path output = folder.resolve("python.txt");
    Process process =
        new ProcessBuilder(
                System.getenv(PYTHON),
                "-Wignore",
                "src/main/python/income_classifier.py",
                "evaluate",
                model.toString())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    int code = process.waitFor();
    String text = Files.readString(output, StandardCharsets.UTF_8);
    assertThat(code).as(text).isZero();
    return JsonParser.parseString(text).getAsJsonObject();
  }

  private static void compare(JsonObject found, String part, Quality quality) {
    compare(
        new Quality(
            found.get(part + "_accuracy").getAsDouble(), found.get(part + "_gap").getAsDouble()),
        quality);
  }

  /** Equal but for one person or two, whose logits may be 0 within rounding. */
  private static void compare(Quality found, Quality expected) {
    assertThat(found.accuracy()).isCloseTo(expected.accuracy(), within(1e-4));
    assertThat(found.gap()).isCloseTo(expected.gap(), within(2e-4));
  }
}
