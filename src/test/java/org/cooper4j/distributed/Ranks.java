package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;

/** The processes of a group, each a JVM of its own that runs a main class with this class path. */
final class Ranks implements AutoCloseable {
  private final List<Process> processes = new ArrayList<>();
  private final List<Path> outputs = new ArrayList<>();

  /** Starts so many, with torchrun's variables. */
  static Ranks start(int size, Path folder, Class<?> main, String... arguments) throws IOException {
    return start(size, folder, Map.of(), rank -> List.of(), main, arguments);
  }

  /** With these variables in place of torchrun's, and what each command begins with. */
  static Ranks start(
      int size,
      Path folder,
      Map<String, String> environment,
      IntFunction<List<String>> prefix,
      Class<?> main,
      String... arguments)
      throws IOException {
    int port = freePort();
    Ranks ranks = new Ranks();
    for (int rank = 0; rank < size; rank++) {
      Path output = Files.createTempFile(folder, "rank" + rank, ".txt");
      List<String> command = new ArrayList<>(prefix.apply(rank));
      command.addAll(
          List.of(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-XX:TieredStopAtLevel=1",
              "-XX:+UseSerialGC",
              "-cp",
              System.getProperty("java.class.path"),
              main.getName()));
      command.addAll(List.of(arguments));
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
      builder
          .environment()
          .putAll(
              Map.of(
                  "RANK", "" + rank,
                  "WORLD_SIZE", "" + size,
                  "MASTER_ADDR", "127.0.0.1",
                  "MASTER_PORT", "" + port,
                  "OMP_NUM_THREADS", "1"));
      builder.environment().putAll(environment);
      ranks.processes.add(builder.start());
      ranks.outputs.add(output);
    }
    return ranks;
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  Process process(int rank) {
    return processes.get(rank);
  }

  /** What a rank has printed by now. */
  String output(int rank) throws IOException {
    return Files.readString(outputs.get(rank));
  }

  /** Waits until a rank has printed something; fails with what all have if it ends before. */
  void await(int rank, String text) throws IOException, InterruptedException {
    while (!output(rank).contains(text)) {
      assertThat(process(rank).isAlive() || output(rank).contains(text))
          .as("rank %d prints '%s':%n%s", rank, text, outputs())
          .isTrue();
      Thread.sleep(20);
    }
  }

  /** Waits for a rank's end; its exit code. */
  int end(int rank) throws InterruptedException, IOException {
    assertThat(process(rank).waitFor(2, TimeUnit.MINUTES))
        .as("rank %d ends:%n%s", rank, outputs())
        .isTrue();
    return process(rank).exitValue();
  }

  /** That all end with 0. */
  void assertSuccess() throws InterruptedException, IOException {
    for (int rank = 0; rank < processes.size(); rank++) {
      assertThat(end(rank)).as("rank %d:%n%s", rank, outputs()).isZero();
    }
  }

  private String outputs() throws IOException {
    StringBuilder all = new StringBuilder();
    for (int rank = 0; rank < processes.size(); rank++) {
      all.append("--- rank ").append(rank).append('\n').append(output(rank)).append(File.separator);
    }
    return all.toString();
  }

  @Override
  public void close() {
    processes.forEach(Process::destroyForcibly);
  }
}
