package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The table of docs/cooper-to-java.md is complete and true. */
class CooperToJavaTest {
  private static final Pattern ROW = Pattern.compile("\\| `([^`]+)` \\| (.+) \\|");
  private static final Pattern NAME = Pattern.compile("`([A-Z]\\w*)(?:\\.(\\w+))?`");
  private static final Path CLASSES = Path.of("target/classes");

  private static Map<String, String> table() throws IOException {
    Map<String, String> rows = new HashMap<>();
    for (String line : Files.readAllLines(Path.of("docs/cooper-to-java.md"))) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        rows.put(row.group(1), row.group(2));
      }
    }
    return rows;
  }

  private static Map<String, Class<?>> publicClasses() throws IOException {
    Map<String, Class<?>> classes = new HashMap<>(Map.of("List", List.class));
    try (Stream<Path> files = Files.walk(CLASSES.resolve("org/cooper4j"))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".class")).toList()) {
        String name = CLASSES.relativize(file).toString().replace(File.separatorChar, '.');
        Class<?> type = load(name.substring(0, name.length() - ".class".length()));
        if (Modifier.isPublic(type.getModifiers())) {
          classes.put(type.getSimpleName(), type);
        }
      }
    }
    return classes;
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, CooperToJavaTest.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new AssertionError(e);
    }
  }

  /** Public and protected members, inherited ones included. */
  private static boolean has(Class<?> type, String member) {
    return Stream.<Class<?>>iterate(type, Objects::nonNull, Class::getSuperclass)
        .flatMap(
            declaring ->
                Stream.concat(
                    Arrays.stream(declaring.getDeclaredMethods()),
                    Arrays.stream(declaring.getDeclaredFields())))
        .filter(found -> (found.getModifiers() & (Modifier.PUBLIC | Modifier.PROTECTED)) != 0)
        .anyMatch(found -> found.getName().equals(member));
  }

  @Test
  void nothingOfCooperIsMissing() throws IOException {
    assertThat(table().keySet())
        .containsAll(Files.readAllLines(Path.of("src/test/resources/cooper-names.txt")));
  }

  @Test
  void everyJavaNameExists() throws IOException {
    Map<String, Class<?>> classes = publicClasses();
    List<String> unknown = new ArrayList<>();
    for (String java : table().values()) {
      Matcher name = NAME.matcher(java);
      while (name.find()) {
        Class<?> type = classes.get(name.group(1));
        if (type == null || (name.group(2) != null && !has(type, name.group(2)))) {
          unknown.add(name.group());
        }
      }
    }
    assertThat(unknown).isEmpty();
  }
}
