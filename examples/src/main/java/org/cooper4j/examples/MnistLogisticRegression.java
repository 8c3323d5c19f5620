package org.cooper4j.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.training.History;
import org.cooper4j.training.Trainer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Trains a logistic regression classifier on MNIST under a norm constraint.
 *
 * <p>Cooper's tutorial of the same name: the model's squared L2 norm is to be at most 1. After each
 * epoch the state goes to a checkpoint, where the program resumes when it is started again.
 */
@Command(
    name = "mnist",
    description = "Trains a logistic regression classifier on MNIST under a norm constraint.",
    sortOptions = false,
    showDefaultValues = true)
public final class MnistLogisticRegression implements Callable<Integer> {
  @Mixin private MnistOptions options;

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new MnistLogisticRegression(), args);
  }

  @Override
  public Integer call() throws IOException {
    // The data are read while LibTorch is loaded.
    FutureTask<TensorDataset> trainData = options.startLoading(true);
    FutureTask<TensorDataset> testData = options.startLoading(false);
    options.check();
    Files.createDirectories(options.out);
    torch.manual_seed(options.seed);

    try (TensorDataset trainSet = MnistOptions.finish(trainData);
        TensorDataset testSet = MnistOptions.finish(testData)) {
      LinearImpl model = new LinearImpl(28 * 28, 10);
      model.to(options.device, false);
      var cmp = new NormConstrainedLogisticRegression(model, options.level, options.device);
      AdamOptions adam = new AdamOptions(1e-3);
      adam.amsgrad().put(true);
      var optimizer =
          new SimultaneousOptimizer<>(
              cmp,
              new Adam(model.parameters(), adam),
              new SGD(cmp.dualParameters(), new SGDOptions(1e-3)));

      History history = new History(3);
      Trainer<Batch> trainer =
          new Trainer<>(optimizer)
              .module("model", model)
              .listen(history, new MnistCheckpoint(options, history));
      trainer.fit(loader(trainSet), options.epochs);

      double accuracy = trainer.evaluate(loader(testSet)).get("accuracy");
      new MnistReport(history).save(options.out, accuracy);
      System.out.printf(Locale.ROOT, "test accuracy %.4f%n", accuracy);
      System.out.printf("wrote %s: checkpoint.pth, metrics.json, training.png%n", options.out);
    }
    return 0;
  }

  private DataLoader loader(TensorDataset dataset) {
    return DataLoader.builder(dataset).batchSize(options.batchSize).device(options.device).build();
  }
}
