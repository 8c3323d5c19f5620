package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the pages say in Java compiles, and runs where it is whole. Imports at the start of a block
 * hold for the page from there on; a page without any has the guide's. A block with a public class
 * is a file of its own, which a test runs; any other is the body of a method that has what {@link
 * #GIVEN} declares.
 */
class SnippetsTest {
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```java\\n(.*?)^```$");
  private static final Pattern PUBLIC_CLASS = Pattern.compile("(?m)^public class (\\w+)");

  /** What a reader of a snippet has, unless the snippet declares it itself. */
  private static final String GIVEN =
      """
      ConstrainedMinimizationProblem<Batch> problem;
      org.cooper4j.optim.SimultaneousOptimizer<Batch> optimizer;
      org.bytedeco.pytorch.Module model;
      org.bytedeco.pytorch.Adam primal;
      org.cooper4j.data.DataLoader loader, validation;
      Batch batch, first, second, third;
      Constraint norm;
      Tensor loss, violation, surrogate, rate, weight;
      org.cooper4j.optim.RollOut rollOut;
      java.nio.file.Path folder, path;
      java.util.concurrent.ExecutorService executor;

      double accuracy() {
        return 1;
      }

      """;

  private static final Path GUIDE = Path.of("docs/java.md");

  @TempDir private Path temporary;

  /** Java sources by their class names. */
  private record Source(String name, String code) {}

  private static List<Source> sources(Path page) throws IOException {
    List<Source> sources = new ArrayList<>();
    String text = Files.readString(page);
    boolean hasImports = BLOCK.matcher(text).results().anyMatch(b -> isImport(b.group(1)));
    StringBuilder imports = new StringBuilder(hasImports ? "" : guidesImports());
    for (MatchResult block : BLOCK.matcher(text).results().toList()) {
      List<String> lines = block.group(1).lines().toList();
      lines.stream().filter(SnippetsTest::isImport).forEach(l -> imports.append(l).append('\n'));
      String body =
          lines.stream().filter(line -> !isImport(line)).collect(Collectors.joining("\n"));
      if (body.isBlank() || body.startsWith("module ")) {
        continue;
      }
      var whole = PUBLIC_CLASS.matcher(body);
      String name = whole.find() ? whole.group(1) : "Snippet" + sources.size();
      sources.add(
          new Source(name, imports + (name.startsWith("Snippet") ? method(name, body) : body)));
    }
    return sources;
  }

  private static String guidesImports() throws IOException {
    try (Stream<String> lines = Files.lines(GUIDE)) {
      return lines.filter(SnippetsTest::isImport).collect(Collectors.joining("\n", "", "\n"));
    }
  }

  private static boolean isImport(String line) {
    return line.startsWith("import ");
  }

  private static String method(String name, String body) {
    return "class "
        + name
        + " {\n"
        + GIVEN
        + "void snippet() throws Exception {\n"
        + body
        + "\n}\n}\n";
  }

  /** The compiler's errors; none is the empty string. */
  private String compile(List<Source> sources) throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory(temporary, "sources");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "javac").toString());
    command.addAll(
        List.of("-encoding", "UTF-8", "-nowarn", "-proc:none", "-d", temporary.toString(), "-cp"));
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    for (Source source : sources) {
      Path file = folder.resolve(source.name() + ".java");
      command.add(Files.writeString(file, source.code()).toString());
    }
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.waitFor() == 0 ? "" : output;
  }

  private void run(String name, String... arguments) throws Exception {
    URL[] urls = {temporary.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(urls, SnippetsTest.class.getClassLoader())) {
      loader.loadClass(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
    }
  }

  @Test
  void theGuidesProgramTrainsAndGoesOnWhereItWas() throws Exception {
    assertThat(compile(sources(GUIDE))).isEmpty();
    Path folder = temporary.resolve("run");
    run("Fair", folder.toString());
    assertThat(folder.resolve("training.png")).isNotEmptyFile();
    assertThat(folder.resolve("log")).isNotEmptyDirectory();
    run("Fair", folder.toString());
    assertThat(folder).isDirectoryContaining("glob:**.pt");
  }

  @Test
  void theGuidesRecipesFindTheirOptimum() throws Exception {
    assertThat(compile(sources(GUIDE))).isEmpty();
    assertThat(lastNumbers("Shortest").get(0)).isCloseTo(0, within(2e-2));
    assertThat(lastNumbers("ByHand")).allSatisfy(x -> assertThat(x).isCloseTo(1, within(1e-3)));
  }

  /** The numbers in the last line that a program prints. */
  private List<Double> lastNumbers(String program) throws Exception {
    PrintStream out = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      run(program);
    } finally {
      System.setOut(out);
    }
    List<String> lines = bytes.toString(StandardCharsets.UTF_8).lines().toList();
    return Stream.of(lines.get(lines.size() - 1).split(" ")).map(Double::valueOf).toList();
  }

  @Test
  void theErrorThatTheGuideQuotesIsTheOneThatComes() throws IOException {
    Constraint sum = new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(1));
    Tensor x = torch.zeros(1).requires_grad_(true);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("sum", sum), batch -> CMPState.of(x.square().sum()).observe(sum, x.sum()));
    try (var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(x), new SGDOptions(0.1)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)))) {
      RollOut first = optimizer.roll();
      optimizer.roll();
      String guide = Files.readString(GUIDE);
      assertThatThrownBy(first::loss).satisfies(e -> assertThat(guide).contains(e.getMessage()));
    }
  }

  @Test
  void theGuidesProgramIsShort() throws IOException {
    String fair =
        BLOCK
            .matcher(Files.readString(GUIDE))
            .results()
            .map(block -> block.group(1))
            .filter(body -> body.startsWith("public class Fair"))
            .findFirst()
            .orElseThrow();
    assertThat(fair.lines().filter(line -> !line.isBlank())).hasSizeLessThanOrEqualTo(60);
  }

  @Test
  void theReadmesSnippetsCompileAndRun() throws Exception {
    assertThat(compile(sources(Path.of("README.md")))).isEmpty();
    assertThat(lastNumbers("Minimum").get(0)).isCloseTo(-1, within(1e-4));
    assertThat(lastNumbers("NormConstrained").get(0)).isPositive();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "docs/troubleshooting.md",
        "docs/cuda.md",
        "docs/distributed.md",
        "docs/solver.md"
      })
  void otherPagesSnippetsCompile(Path page) throws Exception {
    assertThat(compile(sources(page))).isEmpty();
  }

  @Test
  void theProgramOfRatesReportsTheMixtureThatItFound() throws Exception {
    assertThat(compile(sources(Path.of("docs/rates.md")))).isEmpty();
    PrintStream out = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      run("Recalls");
    } finally {
      System.setOut(out);
    }
    assertThat(bytes.toString(StandardCharsets.UTF_8))
        .contains("true positive rate")
        .contains("Thresholds[");
  }

  /** They go on from each other: the first has members of a class, the others are one method. */
  @Test
  void thePythonGuidesSnippetsCompileTogether() throws Exception {
    String text = Files.readString(Path.of("docs/python.md"));
    List<String> blocks = BLOCK.matcher(text).results().map(block -> block.group(1)).toList();
    String code =
        guidesImports()
            + "import org.bytedeco.pytorch.global.torch;\nclass Together {\n"
            + blocks.get(0)
            + "void snippets() throws Exception {\n"
            + String.join("", blocks.subList(1, blocks.size()))
            + "}\n}\n";
    assertThat(compile(List.of(new Source("Together", code)))).isEmpty();
  }

  @Test
  void aWrongSnippetIsNoticed() throws Exception {
    Path page = temporary.resolve("page.md");
    Files.writeString(
        page, "```java\nimport org.cooper4j.*;\n```\n\n```java\nint x = \"1\";\n```\n");
    assertThat(compile(sources(page))).contains("incompatible types");
  }
}
