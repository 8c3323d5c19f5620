package org.cooper4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** The comparison in seconds: a few problems, too few evaluations for most algorithms. */
class ComparisonTest {
  @TempDir static Path folder;
  private static List<JsonObject> runs;

  @BeforeAll
  static void runQuickly() throws IOException {
    Path out = folder.resolve("java.jsonl");
    assertThat(new CommandLine(new Comparison()).execute("--quick", "--out=" + out)).isZero();
    runs =
        Files.readAllLines(out).stream()
            .map(line -> JsonParser.parseString(line).getAsJsonObject())
            .toList();
  }

  private static Set<String> algorithms(String problem) {
    return runs.stream()
        .filter(run -> run.get("problem").getAsString().equals(problem))
        .map(run -> run.get("algorithm").getAsString())
        .collect(Collectors.toSet());
  }

  @Test
  void everyAlgorithmRunsOnWhatItIsFor() {
    Set<String> all = Algorithm.all().stream().map(Algorithm::name).collect(Collectors.toSet());
    all.add("Solver");
    assertThat(algorithms("HS43")).isEqualTo(all);
    assertThat(algorithms("MNIST, norm")).isEqualTo(all);
    all.remove("PBM"); // HS28 has an equality
    assertThat(algorithms("HS28")).isEqualTo(all);
  }

  @Test
  void oneOfAnAlgorithmsSettingsIsTheUntunedOne() {
    assertThat(
            runs.stream()
                .filter(run -> run.get("untuned").getAsBoolean())
                .map(run -> run.get("problem") + " " + run.get("algorithm")))
        .doesNotHaveDuplicates()
        .hasSize(4 * (1 + Algorithm.all().size()) - 1);
  }

  @Test
  void theSolverReachesTheTightestTolerance() {
    assertThat(
            runs.stream()
                .filter(run -> run.get("algorithm").getAsString().equals("Solver"))
                .filter(run -> run.get("problem").getAsString().startsWith("HS")))
        .hasSize(3)
        .allSatisfy(run -> assertThat(run.getAsJsonObject("reached").keySet()).contains("1e-06"));
  }

  @ParameterizedTest
  @MethodSource("org.cooper4j.comparison.Use#all")
  void aTrainingStartsAlikeEveryTime(Use use) {
    try (PointerScope scope = new PointerScope()) {
      Constraints constraints = Algorithm.all().get(0).constraints().apply(0.1);
      Measured first = use.start(constraints, 0).measure();
      assertThat(first.objective()).isFinite();
      assertThat(use.start(constraints, 0).measure()).isEqualTo(first);
    }
  }

  @Test
  @EnabledIfEnvironmentVariable(named = "COOPER4J_PYTHON", matches = ".+")
  void pythonRunsTheOthersAndDrawsAllOfThem() throws Exception {
    Path side = Path.of("comparison").toAbsolutePath();
    python(side.resolve("algorithms.py").toString(), "--quick", folder + "/python.jsonl");
    python(side.resolve("run.py").toString(), "--report", "--out", folder.toString());
    assertThat(Files.readString(folder.resolve("tables.md")))
        .contains("SciPy SLSQP", "Cooper, Lagrangian", "switching subgradient", "## MNIST, norm");
    assertThat(folder.resolve("profile.png")).isNotEmptyFile();
    assertThat(folder.resolve("profile.svg")).isNotEmptyFile();
  }

  private static void python(String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>(List.of(System.getenv("COOPER4J_PYTHON")));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(text).isZero();
  }
}
