package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Links hold in the repository and on the site of {@code mvn site}, which has the same folders. */
class DocumentationTest {
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
  private static final Pattern ERROR = Pattern.compile("\\berror\\(\\s*\"([a-z-]+)\",");

  private static final Path TROUBLESHOOTING = Path.of("docs/troubleshooting.md");

  /** The pages of the site. */
  private static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>(markdown(Path.of("")));
    pages.addAll(markdown(Path.of("docs")));
    pages.add(Path.of("examples/README.md"));
    pages.add(Path.of("examples/benchmarks/README.md"));
    return pages;
  }

  private static List<Path> markdown(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".md")).toList();
    }
  }

  private static List<String> matches(Pattern pattern, Path file) throws IOException {
    return pattern.matcher(Files.readString(file)).results().map(DocumentationTest::first).toList();
  }

  private static String first(MatchResult match) {
    return match.group(1);
  }

  /** As links have it, on any system. */
  private static String text(Path file) {
    return file.toString().replace(File.separatorChar, '/');
  }

  private static boolean isOnTheSite(Path file, List<Path> pages) {
    String name = text(file);
    return name.endsWith(".md")
        ? pages.contains(file) && !name.equals("README.md") // which is index.html there
        : name.equals("LICENSE")
            || name.matches("docs/[^/]+")
            || name.matches("examples/(?!data/).+") && !name.matches(".*/(target|build)/.*");
  }

  @Test
  void everyLinkNamesAFileOfTheSiteAndAnAnchorInIt() throws IOException {
    List<Path> pages = pages();
    List<String> dead = new ArrayList<>();
    for (Path page : pages) {
      for (String link : matches(LINK, page)) {
        if (link.startsWith("https://")) {
          continue;
        }
        String[] parts = link.split("#", 2);
        Path target = parts[0].isEmpty() ? page : page.resolveSibling(parts[0]).normalize();
        boolean there = Files.isRegularFile(target) && isOnTheSite(target, pages);
        if (!there || parts.length == 2 && !hasAnchor(target, parts[1])) {
          dead.add(page + ": " + link);
        }
      }
    }
    assertThat(dead).as("see CONTRIBUTING.md, The site").isEmpty();
  }

  private static boolean hasAnchor(Path page, String anchor) throws IOException {
    return Files.readString(page).contains("<a id=\"" + anchor + "\"></a>");
  }

  @Test
  void everyGuideIsInTheMenuOfTheSite() throws IOException {
    String menu = Files.readString(Path.of("src/site/site.xml"));
    for (Path guide : markdown(Path.of("docs"))) {
      assertThat(menu).contains("href=\"" + text(guide).replaceFirst("md$", "html") + "\"");
    }
  }

  @Test
  void everyAnchorThatAnErrorNamesIsThere() throws IOException {
    List<String> anchors = new ArrayList<>();
    try (Stream<Path> files = Files.walk(Path.of("src/main/java"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (Files.readString(file).contains(text(TROUBLESHOOTING) + "#")) {
          anchors.addAll(matches(ERROR, file));
        }
      }
    }
    assertThat(anchors).contains("libtorch-version");
    for (String anchor : anchors) {
      assertThat(hasAnchor(TROUBLESHOOTING, anchor)).as(anchor).isTrue();
    }
  }
}
