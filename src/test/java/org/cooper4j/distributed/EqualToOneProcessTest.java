package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kind of constraint in every optimizer, over several processes and in one. */
@EnabledOnOs(OS.LINUX)
class EqualToOneProcessTest {
  private static final Map<String, double[]> ALONE = new LinkedHashMap<>();

  @BeforeAll
  static void trainAlone() {
    try (ProcessGroup alone = ProcessGroup.fromEnvironment()) {
      new Cases(alone)
          .all()
          .forEach(
              (name, run) -> {
                try (PointerScope scope = new PointerScope()) {
                  ALONE.put(name, run.run());
                }
              });
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void severalProcessesTrainAsOneDoes(int size, @TempDir Path folder) throws Exception {
    try (Ranks ranks = Ranks.start(size, folder, Cases.class, folder.resolve("run").toString())) {
      ranks.assertSuccess();
    }
    Map<String, double[]> first = Cases.read(folder.resolve("run0"));
    assertThat(first.keySet()).isEqualTo(ALONE.keySet());
    ALONE.forEach(
        (name, expected) ->
            assertThat(first.get(name)).as(name).containsExactly(expected, within(1e-12)));
    // What Python's Cooper has of whole batches: variables, which come after the rolls' numbers.
    Cases.read(Path.of("src/test/resources/distributed.txt"))
        .forEach(
            (name, variables) -> {
              double[] all = first.get(name);
              assertThat(Arrays.copyOfRange(all, all.length - variables.length, all.length))
                  .as("%s, Python's Cooper", name)
                  .containsExactly(variables, within(1e-12));
            });
    for (int rank = 1; rank < size; rank++) {
      Map<String, double[]> other = Cases.read(folder.resolve("run" + rank));
      first.forEach((name, values) -> assertThat(other.get(name)).as(name).isEqualTo(values));
    }
  }
}
