package org.cooper4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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

  @ParameterizedTest
  @MethodSource("org.cooper4j.comparison.Use#all")
  void aTrainingBecomesFeasibleWithoutARateOfTheUsers(Use use) {
    Algorithm untuned =
        Algorithm.all().stream().filter(it -> it.name().equals("DualRates")).findFirst().get();
    List<Trace.Point> points = Runs.run(use, untuned, 0, 1600).points();
    assertThat(
            points.subList(points.size() - 4, points.size()).stream()
                .mapToDouble(Trace.Point::violation)
                .average()
                .getAsDouble())
        .isLessThan(0.01);
  }

  @Test
  void aRunThatWasStoppedGoesOnFromItsLastWholeLine() throws IOException {
    List<String> lines = Files.readAllLines(folder.resolve("java.jsonl"));
    Path out = folder.resolve("resumed.jsonl");
    String cut = lines.get(lines.size() - 1);
    Files.write(out, lines.subList(0, lines.size() - 1));
    Files.writeString(out, cut.substring(0, cut.length() / 2), StandardOpenOption.APPEND);
    assertThat(new CommandLine(new Comparison()).execute("--quick", "--out=" + out)).isZero();
    List<String> resumed = Files.readAllLines(out);
    assertThat(resumed).hasSameSizeAs(lines).startsWith(lines.get(0), lines.get(1));
    assertThat(JsonParser.parseString(resumed.get(resumed.size() - 1)).getAsJsonObject())
        .extracting(run -> run.get("setting"))
        .isEqualTo(JsonParser.parseString(cut).getAsJsonObject().get("setting"));
  }

  @Test
  @EnabledIfEnvironmentVariable(named = "COOPER4J_PYTHON", matches = ".+")
  void pythonRunsTheOthersAndDrawsAllOfThem() throws Exception {
    Path side = Path.of("comparison").toAbsolutePath();
    python(side.resolve("algorithms.py").toString(), "--quick", folder + "/python.jsonl");
    assertThat(start(Files.readAllLines(folder.resolve("python.jsonl")), "Cooper, Lagrangian"))
        .isCloseTo(
            start(Files.readAllLines(folder.resolve("java.jsonl")), "Lagrangian, simultaneous"),
            within(1e-5));
    python(side.resolve("run.py").toString(), "--report", "--out", folder.toString());
    assertThat(Files.readString(folder.resolve("tables.md")))
        .contains("SciPy SLSQP", "Cooper, Lagrangian", "switching subgradient", "## MNIST, norm");
    assertThat(folder.resolve("profile.png")).isNotEmptyFile();
    assertThat(folder.resolve("profile.svg")).isNotEmptyFile();
  }

  /** The objective that a training begins with. */
  private static double start(List<String> lines, String algorithm) {
    return lines.stream()
        .map(line -> JsonParser.parseString(line).getAsJsonObject())
        .filter(run -> run.get("problem").getAsString().equals("MNIST, norm"))
        .filter(run -> run.get("algorithm").getAsString().equals(algorithm))
        .findFirst()
        .map(run -> run.getAsJsonArray("points").get(0).getAsJsonArray().get(2).getAsDouble())
        .orElseThrow();
  }

  private static void python(String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>(List.of(System.getenv("COOPER4J_PYTHON")));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(text).isZero();
  }
}
