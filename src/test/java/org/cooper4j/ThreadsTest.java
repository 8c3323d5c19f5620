package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

@DisabledOnOs(value = OS.WINDOWS, disabledReason = "its OpenMP has no policy of waiting, nor sh")
class ThreadsTest {
  private static final List<String> SETTINGS =
      List.of("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME");

  /** Prints OpenMP's number, and what a child process finds in its environment. */
  public static final class Program {
    private Program() {}

    /** With an argument LibTorch is loaded first. */
    public static void main(String[] args) throws Exception {
      if (args.length > 0) {
        torch.ones(1);
      }
      Threads.setNumThreads(0);
      int first = torch.get_num_threads();
      Threads.setNumThreads(3);
      int fixed = torch.get_num_threads();
      Process child = new ProcessBuilder("sh", "-c", "echo ${OMP_WAIT_POLICY-unset}").start();
      String policy = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      System.out.println(first + " " + fixed + " " + policy.strip());
    }
  }

  private final int cores = Runtime.getRuntime().availableProcessors();

  @BeforeEach
  void theEnvironmentLeavesTheChoice() {
    assumeTrue(
        SETTINGS.stream().allMatch(name -> System.getenv(name) == null), "threads are set already");
  }

  private static String run(Map<String, String> environment, String... arguments)
      throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Program.class.getName());
    builder.command().addAll(List.of(arguments));
    builder.environment().putAll(environment);
    Process process = builder.redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output.strip();
  }

  @Test
  void openMpHasTheCoresAndChildProcessesKeepTheirEnvironment() throws Exception {
    assertThat(run(Map.of())).isEqualTo(cores + " 3 unset");
  }

  @Test
  void whereLibTorchWasLoadedFirstOpenMpKeepsToOneThreadAndTheLogSaysWhatToDo() throws Exception {
    assumeTrue(cores > 1, "one core: nothing is lost");
    assertThat(run(Map.of(), "first"))
        .contains("LibTorch was loaded before cooper4j", "OMP_WAIT_POLICY=passive")
        .endsWith("1 1 unset");
    assertThat(Path.of("docs/troubleshooting.md")).content().contains("<a id=\"libtorch-first\">");
  }

  @Test
  void libTorchMayBeFirstWhereTheEnvironmentHasThePolicy() throws Exception {
    assertThat(run(Map.of("OMP_WAIT_POLICY", "passive"), "first")).isEqualTo(cores + " 3 passive");
    assertThat(run(Map.of("GOMP_SPINCOUNT", "0"), "first")).isEqualTo(cores + " 3 unset");
  }

  @Test
  void theUsersOwnSettingsWin() throws Exception {
    assertThat(run(Map.of("OMP_WAIT_POLICY", "active"))).isEqualTo("1 1 active");
    assertThat(run(Map.of("OMP_NUM_THREADS", "5"))).isEqualTo("5 3 unset");
  }

  @Test
  void aNumberOnceSetStaysUntilRollsMayChooseAgain() {
    assertThat(Threads.getNumThreads()).isZero();
    Threads.setNumThreads(2);
    try {
      assertThatThrownBy(() -> Threads.setNumThreads(-1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("the number of threads is -1; give at least 1");
      assertThat(Threads.getNumThreads()).isEqualTo(2);
    } finally {
      Threads.setNumThreads(0);
    }
  }
}
