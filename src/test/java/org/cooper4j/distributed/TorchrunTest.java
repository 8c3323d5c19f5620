package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.cooper4j.Python;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Processes that torchrun of COOPER4J_PYTHON starts, and starts again. */
@EnabledOnOs(OS.LINUX)
class TorchrunTest {
  private static final Pattern END = Pattern.compile("of (\\d) from (\\d+): \\[(.*)\\] (\\S+)");

  @TempDir Path folder;

  private record End(int size, int start, List<Double> numbers) {}

  private static List<String> program(Path checkpoint, boolean dies) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-cp",
        System.getProperty("java.class.path"),
        Launched.class.getName(),
        checkpoint.toString(),
        "" + dies);
  }

  private static List<String> torchrun(int processes, List<String> program) {
    List<String> command =
        new ArrayList<>(
            List.of(
                System.getenv("COOPER4J_PYTHON"),
                "-m",
                "torch.distributed.run",
                "--nproc-per-node=" + processes,
                "--max-restarts=1",
                "--monitor-interval=0.1",
                "--rdzv-backend=c10d",
                "--rdzv-endpoint=localhost:0",
                "--no-python"));
    command.addAll(program);
    return command;
  }

  private static void run(List<String> command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("OMP_NUM_THREADS", "1");
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s%n%s", command, output).isZero();
  }

  private static End end(Path checkpoint, int rank) throws IOException {
    Matcher found = END.matcher(Files.readString(Launched.end(checkpoint, rank)));
    assertThat(found.matches()).isTrue();
    return new End(
        Integer.parseInt(found.group(1)),
        Integer.parseInt(found.group(2)),
        Arrays.stream((found.group(3) + ", " + found.group(4)).split(", "))
            .map(Double::valueOf)
            .toList());
  }

  @Test
  void whatTorchrunStartsAgainEndsWhereAnUndisturbedRunOfOneProcessDoes() throws Exception {
    Python.require();
    Path alone = folder.resolve("one.pt");
    run(program(alone, false));
    End one = end(alone, 0);
    assertThat(one.size()).isEqualTo(1);
    Path together = folder.resolve("two.pt");
    run(torchrun(2, program(together, true)));
    List<End> ends = List.of(end(together, 0), end(together, 1));
    for (End end : ends) {
      assertThat(end.size()).isEqualTo(2);
      assertThat(end.start()).as("the epoch that the second attempt begins with").isEqualTo(5);
      for (int i = 0; i < one.numbers().size(); i++) {
        assertThat(end.numbers().get(i)).isCloseTo(one.numbers().get(i), within(1e-12));
      }
    }
    assertThat(ends.get(0).numbers()).isEqualTo(ends.get(1).numbers());
  }
}
