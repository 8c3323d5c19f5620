package org.cooper4j.examples;

import static org.cooper4j.examples.Example.require;

import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.optim.Candidates;
import org.cooper4j.optim.SimultaneousOptimizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Predicts incomes of the Adult data while women and men are predicted a high one at rates that
 * differ by a level at most. For each of several levels, a TorchScript model that Python has
 * trained without a constraint is trained further, the best feasible iterate is chosen and saved as
 * TorchScript again, which {@code src/main/python/income_classifier.py} loads.
 */
@Command(
    name = "fairness",
    description = "Trains classifiers under demographic parity at several levels.",
    sortOptions = false,
    showDefaultValues = true)
public final class FairClassifier implements Callable<Integer> {
  private static final double[] LEVELS = {1, 0.15, 0.1, 0.05, 0.02, 0.01};
  private static final long BATCH_SIZE = 1024;

  @Option(names = "--epochs", description = "Passes over the training set, for each level.")
  private int epochs = 30;

  @Mixin private PictureOptions options;
  @Spec private CommandSpec program;

  private List<TensorDataset> parts;
  private Batch train;
  private Batch test;

  /**
   * What a model does: the share of right predictions, and the rate of positive ones among men
   * minus that among women.
   */
  record Quality(double accuracy, double gap) {}

  /** The best feasible iterate at a level, on both sets; a level of 1 is no constraint. */
  record Result(double level, int epoch, Quality train, Quality test) {
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "level %.2f: train accuracy %.4f, gap %.4f; test accuracy %.4f, gap %.4f (epoch %d)",
          level,
          train.accuracy,
          train.gap,
          test.accuracy,
          test.gap,
          epoch);
    }
  }

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new FairClassifier(), args);
  }

  @Override
  public Integer call() throws IOException {
    require(epochs >= 1, program.commandLine(), "--epochs: expected at least 1, found " + epochs);
    Path data = Path.of(System.getProperty("cooper4j.examples.data", "data"), "adult");
    parts = Adult.read(data);
    train = whole(parts.get(0));
    test = whole(parts.get(1));
    Files.createDirectories(options.out);

    List<Result> results = new ArrayList<>();
    FairnessPicture picture = new FairnessPicture();
    for (double level : LEVELS) {
      Result result = train(load(data.resolve("classifier.pt")), level, picture);
      System.out.println(result);
      results.add(result);
    }
    Files.writeString(
        options.out.resolve("fairness.json"),
        new GsonBuilder().setPrettyPrinting().create().toJson(results));
    options.save(picture.of(results), "fairness", 3);
    return 0;
  }

  private Batch whole(TensorDataset part) {
    return new Batch(
        part.inputs().to(options.device, ScalarType.Long),
        part.targets().to(options.device, ScalarType.Float));
  }

  private Result train(JitModule model, double level, FairnessPicture picture) {
    DemographicParity cmp =
        new DemographicParity(inputs -> forward(model, inputs), level, options.device);
    SimultaneousOptimizer<Batch> optimizer =
        new SimultaneousOptimizer<>(
            cmp,
            new Adam(parameters(model), new AdamOptions(1e-3)),
            new SGD(cmp.dualParameters(), new SGDOptions(0.02)));
    DataLoader loader =
        DataLoader.builder(parts.get(0))
            .batchSize(BATCH_SIZE)
            .shuffle(0)
            .device(options.device)
            .build();

    List<JitModule> iterates = new ArrayList<>();
    Metrics history = new Metrics("accuracy", "gap", "surrogate", "multiplier");
    for (int epoch = 0; epoch <= epochs; epoch++) {
      if (epoch > 0) {
        loader.forEach(optimizer::roll);
      }
      iterates.add(model.deepcopy());
      record(history, model, cmp);
    }

    double[] errors = history.column("accuracy");
    double[][] violations = new double[errors.length][];
    for (int i = 0; i < errors.length; i++) {
      errors[i] = 1 - errors[i];
      double gap = history.column("gap")[i];
      violations[i] = new double[] {gap - level, -gap - level};
    }
    int best = Candidates.findBestCandidateIndex(errors, violations, false);
    picture.add(level, history, best);
    Path file = options.out.resolve(name(level));
    iterates.get(best).save(file.toString());
    JitModule saved = load(file);
    return new Result(level, best, quality(saved, train), quality(saved, test));
  }

  /** The name of a level's model. */
  static String name(double level) {
    return String.format(Locale.ROOT, "fairness-%.2f.pt", level);
  }

  private void record(Metrics history, JitModule model, DemographicParity cmp) {
    try (NoGradGuard noGrad = new NoGradGuard();
        PointerScope temporaries = new PointerScope()) {
      Quality quality = quality(model, train);
      Tensor probability = forward(model, train.inputs()).sigmoid();
      history.record(
          quality.accuracy,
          quality.gap,
          DemographicParity.gap(probability, train).item_double(),
          cmp.multiplier.weight().max().item_double());
    }
  }

  private static Quality quality(JitModule model, Batch rows) {
    try (NoGradGuard noGrad = new NoGradGuard();
        PointerScope temporaries = new PointerScope()) {
      Tensor positive = DemographicParity.positive(forward(model, rows.inputs()));
      return new Quality(
          positive.eq(DemographicParity.label(rows)).to(ScalarType.Double).mean().item_double(),
          DemographicParity.gap(positive, rows).item_double());
    }
  }

  private JitModule load(Path file) {
    // Without debug files, which would go on naming folders of the machine that scripted the model.
    return torch.load(file.toString(), new DeviceOptional(options.device), false);
  }

  private static Tensor forward(JitModule model, Tensor inputs) {
    return model.forward(new IValueVector(new IValue(inputs))).toTensor();
  }

  private static TensorVector parameters(JitModule model) {
    TensorVector parameters = new TensorVector();
    var list = model.parameters();
    var at = list.begin();
    for (long i = 0; i < list.size(); i++, at.increment()) {
      parameters.push_back(at.access());
    }
    return parameters;
  }
}
