package org.cooper4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Two processes that run a program, with the variables that torchrun sets. */
final class TwoProcesses {
  private TwoProcesses() {}

  /** What each of them prints; fails unless both end with 0. */
  static List<String> run(Path folder, Class<?> program, String... options)
      throws IOException, InterruptedException {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    List<Process> processes = new ArrayList<>();
    for (int rank = 0; rank < 2; rank++) {
      processes.add(start(rank, port, output(folder, rank), program, options));
    }
    List<String> printed = new ArrayList<>();
    for (int rank = 0; rank < 2; rank++) {
      int code = processes.get(rank).waitFor();
      printed.add(Files.readString(output(folder, rank)));
      assertThat(code).as(printed.get(rank)).isZero();
    }
    return printed;
  }

  private static Path output(Path folder, int rank) {
    return folder.resolve("rank" + rank + ".txt");
  }

  private static Process start(int rank, int port, Path output, Class<?> program, String... options)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
    command.addAll(List.of(options));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    builder
        .environment()
        .putAll(
            Map.of(
                "RANK", "" + rank,
                "WORLD_SIZE", "2",
                "MASTER_ADDR", "127.0.0.1",
                "MASTER_PORT", "" + port,
                "OMP_NUM_THREADS", "1"));
    return builder.start();
  }
}
