package org.cooper4j.examples;

import java.nio.file.Path;
import org.bytedeco.pytorch.Device;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Option;

/** The options of the tutorials that draw a picture and need no data. */
final class PictureOptions {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this help.")
  boolean help;

  @Option(names = "--out", paramLabel = "DIR", description = "Receives the picture.")
  Path out = Path.of("build", "examples");

  @Option(
      names = "--device",
      defaultValue = "auto",
      converter = DeviceConverter.class,
      description = "cpu, cuda, cuda:N, or auto: CUDA when available.")
  Device device;

  /** Writes {@code <out>/<name>.png} with the given number of panels in a row. */
  void save(Picture picture, String name, int columns) {
    Path path = out.resolve(name + ".png");
    picture.columns(columns).save(path);
    System.out.println("wrote " + path);
  }
}
