package org.cooper4j.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.cooper4j.checkpoint.CheckpointException;
import picocli.CommandLine;

/** Runs a program's command line: what the user can mend is one line and exit code 2. */
public final class Example {
  private Example() {}

  /** Runs a program, which ends this one unless all went well. */
  public static void run(Callable<Integer> program, String... args) {
    int exitCode = execute(program, args);
    // Maven runs programs in its own process, which an exit would end before its time.
    if (exitCode != 0) {
      System.exit(exitCode);
    }
  }

  static int execute(Callable<Integer> program, String... args) {
    CommandLine line = new CommandLine(program);
    line.getCommandSpec().usageMessage().sortOptions(false).showDefaultValues(true);
    return line.setParameterExceptionHandler(
            (e, arguments) -> refuse(e.getCommandLine(), e.getMessage()))
        .setExecutionExceptionHandler(
            (e, commandLine, result) -> {
              if (e instanceof FileSystemException file && file.getReason() == null) {
                // Its message is the path alone; its class says what is wrong.
                String problem = file.getClass().getSimpleName().replace("Exception", "");
                return refuse(commandLine, file.getFile() + ": " + problem);
              }
              if (e instanceof IOException
                  || e instanceof IllegalArgumentException
                  || e instanceof UncheckedIOException
                  || e instanceof CheckpointException) {
                return refuse(commandLine, e.getMessage());
              }
              throw e;
            })
        .execute(args);
  }

  /** A folder of data, found from any working directory. */
  public static Path data(String folder) {
    return Path.of(System.getProperty("cooper4j.examples.data", "data"), folder);
  }

  private static int refuse(CommandLine commandLine, String message) {
    String name = commandLine.getCommandName();
    commandLine
        .getErr()
        .println(name + ": " + message.lines().findFirst().orElse("") + " (see --help)");
    return CommandLine.ExitCode.USAGE;
  }
}
