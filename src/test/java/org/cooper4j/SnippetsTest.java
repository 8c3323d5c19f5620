package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the pages say in Java compiles, and runs where it is whole. Imports at the start of a block
 * hold for the page from there on. A block with a public class is a file of its own; any other is
 * the body of a method that has what {@link #GIVEN} declares.
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
      Tensor loss, violation, surrogate, rate, indices;
      org.cooper4j.optim.RollOut rollOut;
      java.nio.file.Path folder, path;
      """;

  @TempDir private Path temporary;

  /** Java sources by their class names. */
  private record Source(String name, String code) {}

  private static List<Source> sources(Path page) throws IOException {
    List<Source> sources = new ArrayList<>();
    StringBuilder imports = new StringBuilder();
    for (MatchResult block : BLOCK.matcher(Files.readString(page)).results().toList()) {
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
    command.addAll(List.of("-nowarn", "-proc:none", "-d", temporary.toString(), "-cp"));
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
    assertThat(compile(sources(Path.of("docs/java.md")))).isEmpty();
    Path folder = temporary.resolve("run");
    run("Fair", folder.toString());
    assertThat(folder.resolve("training.png")).isNotEmptyFile();
    assertThat(Files.list(folder.resolve("log"))).isNotEmpty();
    run("Fair", folder.toString());
    assertThat(Files.list(folder).filter(file -> file.toString().endsWith(".pt"))).isNotEmpty();
  }

  @Test
  void theGuidesProgramIsShort() throws IOException {
    String fair =
        BLOCK
            .matcher(Files.readString(Path.of("docs/java.md")))
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
    run("Minimum");
  }

  @Test
  void aWrongSnippetIsNoticed() throws Exception {
    Path page = temporary.resolve("page.md");
    Files.writeString(
        page, "```java\nimport org.cooper4j.*;\n```\n\n```java\nint x = \"1\";\n```\n");
    assertThat(compile(sources(page))).contains("incompatible types");
  }
}
