package org.cooper4j.examples;

import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.CheckpointException;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.training.Picture;
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

  private LinearImpl model;
  private NormConstrainedLogisticRegression cmp;
  private SimultaneousOptimizer<Batch> cooperOptimizer;

  private long batchIx;
  private long startEpoch;
  private final Metrics allMetrics =
      new Metrics(
          "batch_ix", "train_loss", "train_acc", "multiplier_value", "constraint_violation");

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
      DataLoader trainLoader = loader(trainSet);
      build(options.device);
      resume(trainLoader.size());

      for (long epoch = startEpoch; epoch < options.epochs; epoch++) {
        train(trainLoader, epoch);
        save(epoch);
      }
      report(testAccuracy(loader(testSet)));
    }
    return 0;
  }

  private DataLoader loader(TensorDataset dataset) {
    return DataLoader.builder(dataset).batchSize(options.batchSize).device(options.device).build();
  }

  private void build(Device device) {
    model = new LinearImpl(28 * 28, 10);
    model.to(device, false);
    cmp = new NormConstrainedLogisticRegression(model, options.level, device);

    AdamOptions adam = new AdamOptions(1e-3);
    adam.amsgrad().put(true);
    Adam primalOptimizer = new Adam(model.parameters(), adam);
    SGD dualOptimizer = new SGD(cmp.dualParameters(), new SGDOptions(1e-3));
    cooperOptimizer = new SimultaneousOptimizer<>(cmp, primalOptimizer, dualOptimizer);
  }

  private void train(DataLoader trainLoader, long epoch) {
    ProgressBar progress =
        new ProgressBar("epoch %d/%d".formatted(epoch + 1, options.epochs), trainLoader.size());
    for (Batch batch : trainLoader) {
      batchIx++;
      RollOut rollOut = cooperOptimizer.roll(batch);
      if (batchIx % 3 == 0) {
        record(rollOut);
      }
      progress.step(
          () ->
              String.format(
                  Locale.ROOT,
                  "loss %.4f  violation %+.4f",
                  rollOut.loss().item_double(),
                  violation(rollOut)));
    }
  }

  private void record(RollOut rollOut) {
    CMPState state = rollOut.cmpState();
    Tensor multiplier = rollOut.primalLagrangianStore().multiplierValues().get(cmp.normConstraint);
    allMetrics.record(
        batchIx,
        rollOut.loss().item_double(),
        ((Tensor) state.misc().get("accuracy")).item_double(),
        multiplier.item_double(),
        violation(rollOut));
  }

  private double violation(RollOut rollOut) {
    return rollOut
        .cmpState()
        .observedConstraints()
        .get(cmp.normConstraint)
        .violation()
        .item_double();
  }

  private void save(long epoch) {
    Map<String, Object> checkpoint = new LinkedHashMap<>();
    checkpoint.put("batch_ix", batchIx);
    checkpoint.put("epoch", epoch);
    checkpoint.put("all_metrics", allMetrics.asMap());
    checkpoint.put("model_state_dict", StateDict.of(model));
    checkpoint.put("cmp_state_dict", cmp.stateDict());
    checkpoint.put("cooper_optimizer_state_dict", cooperOptimizer.stateDict());
    Checkpoint.save(options.checkpoint(), checkpoint);
  }

  private void resume(long batchesPerEpoch) throws IOException {
    if (!Files.exists(options.checkpoint())) {
      return;
    }
    try {
      Checkpoint checkpoint = Checkpoint.load(options.checkpoint());
      batchIx = checkpoint.integer("batch_ix");
      startEpoch = checkpoint.integer("epoch") + 1;
      if (batchIx != startEpoch * batchesPerEpoch) {
        throw new IllegalArgumentException(
            "batch_ix: expected %d batches in each of %d epochs, found %d in all"
                .formatted(batchesPerEpoch, startEpoch, batchIx));
      }
      allMetrics.load(checkpoint.map("all_metrics").asMap());
      StateDict.load(model, checkpoint.map("model_state_dict").asMap());
      cmp.loadStateDict(checkpoint.map("cmp_state_dict").asMap());
      cooperOptimizer.loadStateDict(checkpoint.map("cooper_optimizer_state_dict").asMap());
    } catch (CheckpointException | IllegalArgumentException e) {
      String where = e instanceof CheckpointException ? "" : options.checkpoint() + ": ";
      throw new IOException(
          "cannot resume: " + where + e.getMessage() + "; remove it or choose another --out", e);
    }
    System.out.printf("resumed from %s after epoch %d%n", options.checkpoint(), startEpoch);
  }

  private double testAccuracy(DataLoader testLoader) {
    return Accuracy.of(images -> model.forward(images.view(images.size(0), -1)), testLoader);
  }

  private void report(double testAccuracy) throws IOException {
    Map<String, Object> metrics = new LinkedHashMap<>();
    metrics.put("all_metrics", allMetrics.asMap());
    metrics.put("test_accuracy", testAccuracy);
    Files.writeString(
        options.out.resolve("metrics.json"),
        new GsonBuilder()
            .setPrettyPrinting()
            .serializeSpecialFloatingPointValues()
            .create()
            .toJson(metrics));

    double[] batches = allMetrics.column("batch_ix");
    Picture picture = new Picture();
    picture.panel("Training Loss").xLabel("Batch").line(batches, allMetrics.column("train_loss"));
    picture.panel("Training Acc").xLabel("Batch").line(batches, allMetrics.column("train_acc"));
    picture
        .panel("Inequality Multiplier")
        .xLabel("Batch")
        .line(batches, allMetrics.column("multiplier_value"));
    picture
        .panel("Inequality Defect")
        .xLabel("Batch")
        .line(batches, allMetrics.column("constraint_violation"))
        // Shows that the defect converges close to zero.
        .level(0);
    picture.columns(4).save(options.out.resolve("training.png"));

    System.out.printf(Locale.ROOT, "test accuracy %.4f%n", testAccuracy);
    System.out.printf("wrote %s: checkpoint.pth, metrics.json, training.png%n", options.out);
  }
}
