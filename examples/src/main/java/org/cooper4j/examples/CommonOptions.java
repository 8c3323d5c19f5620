package org.cooper4j.examples;

import java.nio.file.Path;
import org.bytedeco.pytorch.Device;
import org.cooper4j.Threads;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that all programs have. */
final class CommonOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec program;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this help.")
  boolean help;

  @Option(names = "--out", paramLabel = "DIR", description = "Receives what is written.")
  Path out;

  @Option(
      names = "--device",
      defaultValue = "auto",
      converter = DeviceConverter.class,
      description = "cpu, cuda, cuda:N, or auto: CUDA when available.")
  Device device;

  CommonOptions() {
    this(Path.of("build", "examples"));
  }

  CommonOptions(Path out) {
    this.out = out;
  }

  @Option(
      names = "--threads",
      description = "Threads of LibTorch's CPU kernels; every core without it.")
  void setThreads(int threads) {
    require(threads >= 1, "--threads: expected at least 1, found " + threads);
    Threads.setNumThreads(threads);
  }

  /** Throws the exception for a wrong option unless a condition holds. */
  void require(boolean condition, String message) {
    if (!condition) {
      throw new ParameterException(program.commandLine(), message);
    }
  }

  /** Writes {@code <out>/<name>.png} with the given number of panels in a row. */
  void save(Picture picture, String name, int columns) {
    Path path = out.resolve(name + ".png");
    picture.columns(columns).save(path);
    System.out.println("wrote " + path);
  }
}
