package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.PointerScope;
import org.cooper4j.Python;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A group whose other rank is Python: its torch.distributed, and Cooper. */
@EnabledOnOs(OS.LINUX)
class PythonRankTest {
  private static final String[] KINDS = {"AUGMENTED_STRICT", "NORMS", "ROWS"};

  @TempDir Path folder;

  private static Void run(Object... arguments) {
    try {
      Python.run("distributed_rank.py", arguments);
      return null;
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aJavaAndAPythonRankEndWhereOneProcessDoes() throws Exception {
    Python.require();
    double[] alone;
    try (ProcessGroup group = ProcessGroup.fromEnvironment();
        PointerScope scope = new PointerScope()) {
      alone = new Cases(group).variables(KINDS);
    }
    Path file = folder.resolve("python.txt");
    CompletableFuture<CompletableFuture<Void>> python = new CompletableFuture<>();
    try (ProcessGroup group =
            ProcessGroup.gloo(
                "127.0.0.1",
                0,
                0,
                2,
                Duration.ofSeconds(60),
                port -> python.complete(CompletableFuture.supplyAsync(() -> run(port, file))));
        PointerScope scope = new PointerScope()) {
      group.compare(false); // Python's steps round in ways of their own
      assertThat(new Cases(group).variables(KINDS)).containsExactly(alone, within(1e-12));
      python.get().get(2, TimeUnit.MINUTES);
    } catch (ProcessGroupException e) {
      try {
        python.get().get(2, TimeUnit.MINUTES);
      } catch (ExecutionException says) {
        e.addSuppressed(says);
      }
      throw e;
    }
    assertThat(Cases.read(file).get("python")).containsExactly(alone, within(1e-12));
  }
}
