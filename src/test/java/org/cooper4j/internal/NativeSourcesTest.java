package org.cooper4j.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What this machine's compiler takes, and another one's linker does not. */
class NativeSourcesTest {
  @Test
  void noneReadsElementsByTheTemplateWhoseNameClangSpellsInAnotherWay() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("native"))) {
      List<Path> found =
          files
              .filter(file -> file.toString().matches(".*\\.(cc|h)"))
              .filter(file -> read(file).contains("const_data_ptr<"))
              .filter(file -> !file.endsWith("data_of.h")) // which stands in for it, and says why
              .toList();
      assertThat(found).isEmpty();
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
