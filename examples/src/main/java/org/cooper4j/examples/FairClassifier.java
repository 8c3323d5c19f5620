package org.cooper4j.examples;

import static org.cooper4j.examples.Example.require;

import com.google.gson.Gson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.Candidates;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.rates.Rate;
import org.cooper4j.rates.RateContext;
import org.cooper4j.rates.Rates;
import org.cooper4j.training.Picture;
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
  private static final double SHOWN_LEVEL = 0.05;

  @Option(names = "--epochs", description = "Passes over the training set, for each level.")
  private int epochs = 30;

  @Mixin private PictureOptions options;
  @Spec private CommandSpec program;
  private List<TensorDataset> parts;
  private final Picture picture = new Picture();

  /** Of a model: the share of right predictions, and the rate of positive ones, men minus women. */
  record Quality(double accuracy, double gap) {}

  /** The best feasible iterate at a level, on both sets; a level of 1 is no constraint. */
  record Result(double level, int epoch, Quality train, Quality test) {
    Quality on(String part) {
      return part.equals("train") ? train : test;
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
    Files.createDirectories(options.out);
    List<Result> results = new ArrayList<>();
    for (double level : LEVELS) {
      results.add(train(TorchScript.load(data.resolve("classifier.pt"), options.device), level));
      System.out.println(results.get(results.size() - 1));
    }
    Files.writeString(options.out.resolve("fairness.json"), new Gson().toJson(results));
    var accuracy = picture.panel("Accuracy against parity").xLabel("gap").yLabel("accuracy");
    var kept = picture.panel("Is the constraint kept?").xLabel("level").yLabel("gap");
    for (String part : List.of("train", "test")) {
      double[] gaps = results.stream().mapToDouble(result -> result.on(part).gap).toArray();
      double[] accuracies =
          results.stream().mapToDouble(result -> result.on(part).accuracy).toArray();
      accuracy.marked(part, gaps, accuracies);
      kept.marked(part, constrained(LEVELS), constrained(gaps));
    }
    kept.line("gap = level", new double[] {0, LEVELS[1]}, new double[] {0, LEVELS[1]});
    options.save(picture, "fairness", 3);
    return 0;
  }

  /** Without the first, which is of no constraint. */
  private static double[] constrained(double[] values) {
    return Arrays.copyOfRange(values, 1, values.length);
  }

  private Result train(JitModule model, double level) {
    DenseMultiplier multiplier = new DenseMultiplier(2, options.device, ScalarType.Float);
    Constraint parity = new Constraint(ConstraintType.INEQUALITY, multiplier);
    var cmp =
        ConstrainedMinimizationProblem.<Batch>of(
            Map.of("parity", parity),
            batch -> {
              Tensor logits = TorchScript.forward(model, batch.inputs());
              Tensor income = batch.targets().select(1, 0);
              return CMPState.of(torch.binary_cross_entropy_with_logits(logits, income))
                  .observe(parity, gap(people(logits, batch)).within(level));
            });
    var optimizer =
        new SimultaneousOptimizer<>(
            cmp,
            new Adam(TorchScript.parameters(model), new AdamOptions(1e-3)),
            new SGD(cmp.dualParameters(), new SGDOptions(0.02)));
    var loader = DataLoader.builder(parts.get(0)).batchSize(1024).shuffle(0);
    DataLoader batches = loader.device(options.device).build();
    List<JitModule> iterates = new ArrayList<>();
    double[] errors = new double[epochs + 1];
    double[][] violations = new double[epochs + 1][];
    for (int epoch = 0; epoch <= epochs; epoch++) {
      if (epoch > 0) {
        batches.forEach(optimizer::roll);
      }
      iterates.add(model.deepcopy());
      Quality now = quality(people(model, 0));
      errors[epoch] = 1 - now.accuracy;
      violations[epoch] = new double[] {Math.abs(now.gap) - level};
    }
    int best = Candidates.findBestCandidateIndex(errors, violations, false);
    if (level == SHOWN_LEVEL) {
      picture.panel("Epochs at level " + level).candidates(errors, violations);
    }
    iterates.get(best).save(options.out.resolve(name(level)).toString());
    JitModule saved = TorchScript.load(options.out.resolve(name(level)), options.device);
    return new Result(level, best, quality(people(saved, 0)), quality(people(saved, 1)));
  }

  /** The name of a level's model. */
  static String name(double level) {
    return String.format(Locale.ROOT, "fairness-%.2f.pt", level);
  }

  private static RateContext people(Tensor logits, Batch batch) {
    Tensor sex = batch.targets().select(1, 1);
    return RateContext.of(logits, batch.targets().select(1, 0))
        .groupBy(sex, List.of("women", "men"));
  }

  /** All people of a part of the data. */
  private RateContext people(JitModule model, int part) {
    try (NoGradGuard noGrad = new NoGradGuard()) {
      Tensor inputs = parts.get(part).inputs().to(options.device, ScalarType.Long);
      Tensor targets = parts.get(part).targets().to(options.device, ScalarType.Float);
      return people(TorchScript.forward(model, inputs), new Batch(inputs, targets));
    }
  }

  private static Rate gap(RateContext people) {
    return Rates.positivePredictionRate(people).differenceTo(0);
  }

  private static Quality quality(RateContext people) {
    double accuracy = Rates.accuracy(people.ungrouped()).value().item_double();
    return new Quality(accuracy, gap(people).value().item_double());
  }
}
