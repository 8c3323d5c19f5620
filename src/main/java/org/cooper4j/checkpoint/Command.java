package org.cooper4j.checkpoint;

import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.cooper4j.internal.Native;

/** The commands of the native layer, which the native binary {@code cooper4j} has too. */
final class Command {
  private Command() {}

  /** Runs a command on the process's own output. */
  static void runAndExit(String command, String[] args) {
    String joined =
        Stream.concat(Stream.of(command), Arrays.stream(args))
            .map(argument -> argument + "\0")
            .collect(Collectors.joining());
    int code = Native.runCommand(Utf8.encode(joined));
    // Not exit(): Maven's shutdown hook would append an escape sequence to the output.
    Runtime.getRuntime().halt(code);
  }
}
