package org.cooper4j.examples;

import static org.cooper4j.examples.Example.require;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.bytedeco.pytorch.Device;
import org.cooper4j.Threads;
import org.cooper4j.data.Mnist;
import org.cooper4j.data.TensorDataset;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The options of {@link MnistLogisticRegression}. */
final class MnistOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec program;

  @Option(names = "--epochs", description = "Passes over the training set.")
  int epochs = 7;

  @Option(names = "--batch-size", description = "Images a step.")
  long batchSize = 128;

  @Option(names = "--level", description = "Upper bound of the model's squared L2 norm.")
  double level = 1.0;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description =
          "A folder of MNIST's IDX files, gzip or raw; without it, the MNIST beside this program.",
      showDefaultValue = CommandLine.Help.Visibility.NEVER)
  Path data;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Receives checkpoint.pth, metrics.json and training.png.")
  Path out = Path.of("build", "mnist");

  @Option(
      names = "--device",
      defaultValue = "auto",
      description = "cpu, cuda, cuda:N, or auto: CUDA when available.")
  String deviceName;

  @Option(names = "--seed", description = "Seed of the initial weights.")
  long seed = 0;

  @Option(
      names = "--threads",
      description = "Threads of LibTorch's CPU kernels; every core without it.")
  Integer threads;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this help.")
  boolean help;

  /** Where to train, once {@link #check()} found that it is there. */
  Device device;

  /** Refuses values that no training can have, finds the device, and sets the threads. */
  void check() {
    CommandLine line = program.commandLine();
    require(epochs >= 1, line, "--epochs: expected at least 1, found " + epochs);
    require(batchSize >= 1, line, "--batch-size: expected at least 1, found " + batchSize);
    require(
        level > 0 && Double.isFinite(level),
        line,
        "--level: expected a finite number above 0, found " + level);
    try {
      device = new DeviceConverter().convert(deviceName);
    } catch (TypeConversionException e) {
      require(false, line, "--device: " + e.getMessage());
    }
    if (threads != null) {
      require(threads >= 1, line, "--threads: expected at least 1, found " + threads);
      Threads.setNumThreads(threads);
    }
  }

  /** Starts to read the training set or the test set. */
  FutureTask<TensorDataset> startLoading(boolean train) {
    FutureTask<TensorDataset> task = new FutureTask<>(() -> load(train));
    Thread reader = new Thread(task, train ? "training set" : "test set");
    reader.setDaemon(true);
    reader.start();
    return task;
  }

  /** What {@link #startLoading} started to read. */
  static TensorDataset finish(FutureTask<TensorDataset> loading) throws IOException {
    try {
      return loading.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException io) {
        throw io;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while reading the data", e);
    }
  }

  private TensorDataset load(boolean train) throws IOException {
    if (data != null) {
      return Mnist.load(data, train);
    }
    Path embedded = Path.of(System.getProperty("cooper4j.examples.data", "data"), "mnist");
    return Mnist.loadOriginal(embedded, train);
  }

  Path checkpoint() {
    return out.resolve("checkpoint.pth");
  }
}
