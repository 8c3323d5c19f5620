package org.cooper4j.examples;

import static org.bytedeco.pytorch.global.torch.*;
import static org.cooper4j.ConstraintType.INEQUALITY;

import com.google.gson.Gson;
import java.io.IOException;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.Callable;
import org.bytedeco.pytorch.*;
import org.cooper4j.*;
import org.cooper4j.data.*;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.distributed.ProcessGroup;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.training.*;
import picocli.CommandLine.*;

/**
 * Trains a logistic regression on MNIST under a norm constraint: Cooper's tutorial of the same
 * name.
 *
 * <p>After each epoch the state goes to a checkpoint, where the program resumes when it is started
 * again, as Python's does. Started by torchrun, it trains over all processes. The first one writes.
 */
@Command(name = "mnist", description = "Classifies digits by weights of a bounded norm.")
public final class MnistLogisticRegression implements Callable<Integer> {
  @Mixin private final CommonOptions options = new CommonOptions(Path.of("build", "mnist"));

  @Option(names = "--epochs", description = "Passes over the training set.")
  private int epochs = 7;

  @Option(names = "--batch-size", description = "Images a step, of all processes together.")
  private long batchSize = 128;

  @Option(names = "--level", description = "Upper bound of the model's squared L2 norm.")
  private double level = 1;

  @Option(names = "--data", description = "A folder of MNIST's IDX files, gzip or raw.")
  private Path data = Path.of(System.getProperty("cooper4j.examples.data", "data"), "mnist");

  @Option(names = "--seed", description = "Seed of the initial weights.")
  private long seed = 0;

  /** Cross-entropy of a linear classifier, subject to ‖weight‖² + ‖bias‖² ≤ level. */
  private final class NormConstrained extends ConstrainedMinimizationProblem<Batch> {
    final LinearImpl model = new LinearImpl(28 * 28, 10);
    final DenseMultiplier multiplier = new DenseMultiplier(1, options.device, ScalarType.Float);
    final Constraint norm = register("norm_constraint", new Constraint(INEQUALITY, multiplier));

    @Override
    public CMPState computeCMPState(Batch batch) {
      Tensor logits = model.forward(batch.inputs().flatten(1, -1));
      Tensor hits = logits.argmax(new LongOptional(1), false).eq(batch.targets());
      Tensor squaredNorm = model.weight().square().sum().add(model.bias().square().sum());
      return CMPState.of(cross_entropy(logits, batch.targets()))
          .lessOrEqual(norm, squaredNorm, level)
          .misc("accuracy", hits.to(ScalarType.Float).mean());
    }
  }

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new MnistLogisticRegression(), args);
  }

  @Override
  public Integer call() throws IOException {
    options.require(epochs >= 1, "--epochs: expected at least 1, found " + epochs);
    options.require(batchSize >= 1, "--batch-size: expected at least 1, found " + batchSize);
    boolean bounds = level > 0 && Double.isFinite(level);
    options.require(bounds, "--level: expected a finite number above 0, found " + level);
    Files.createDirectories(options.out);
    manual_seed(seed);
    try (TensorDataset train = Mnist.load(data, true);
        TensorDataset test = Mnist.load(data, false);
        ProcessGroup group = ProcessGroup.fromEnvironment()) {
      var cmp = new NormConstrained();
      cmp.model.to(options.device, false);
      AdamOptions adam = new AdamOptions(1e-3);
      adam.amsgrad().put(true);
      var primal = new Adam(cmp.model.parameters(), adam);
      var dual = new SGD(cmp.dualParameters(), new SGDOptions(1e-3));
      var optimizer = new SimultaneousOptimizer<>(cmp, primal, dual).distribute(group);

      History history = new History(3);
      var checkpoint =
          new CooperCheckpoint(options.out.resolve("checkpoint.pth"), history)
              .metric("train_loss", "loss")
              .metric("train_acc", "accuracy")
              .metric("multiplier_value", "multiplier/norm_constraint")
              .metric("constraint_violation", "violation/norm_constraint")
              .writes(group.rank() == 0);
      var trainer = new Trainer<>(optimizer).module("model", cmp.model).listen(history, checkpoint);
      trainer.fit(batches(train).shard(group.rank(), group.size()).build(), epochs);
      double accuracy = trainer.evaluate(batches(test).build()).get("accuracy");
      if (group.rank() == 0) {
        var metrics = Map.of("all_metrics", checkpoint.allMetrics(), "test_accuracy", accuracy);
        String json = new Gson().toJson(new TreeMap<>(metrics)); // in the same order every time
        Files.writeString(options.out.resolve("metrics.json"), json);
        System.out.printf(Locale.ROOT, "test accuracy %.4f%n", accuracy);
        if (!history.names().isEmpty()) {
          options.save(Picture.of(history), "training", 5);
        }
      }
    }
    return 0;
  }

  private DataLoader.Builder batches(TensorDataset dataset) {
    return DataLoader.builder(dataset).batchSize(batchSize).device(options.device);
  }
}
