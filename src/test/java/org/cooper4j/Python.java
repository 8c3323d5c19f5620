package org.cooper4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The scripts of src/test/python, run by the interpreter that COOPER4J_PYTHON names. */
public final class Python {
  private static final String VARIABLE = "COOPER4J_PYTHON";

  private Python() {}

  /** Skips the test if no interpreter is named. */
  public static void require() {
    assumeTrue(
        !System.getenv().getOrDefault(VARIABLE, "").isEmpty(),
        "it needs " + VARIABLE + ", an interpreter with torch 2.10.0 and cooper-optim 1.0.1");
  }

  /** Runs a script and fails with its output unless it ends with 0. */
  public static void run(String script, Object... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(System.getenv(VARIABLE));
    command.add("-Wignore");
    command.add(Path.of("src/test/python", script).toString());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s%n%s", command, output).isZero();
  }
}
