package org.cooper4j.examples;

import static java.util.Arrays.copyOfRange;

import com.google.gson.Gson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
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
import org.cooper4j.distributed.ProcessGroup;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.rates.Rate;
import org.cooper4j.rates.RateContext;
import org.cooper4j.rates.Rates;
import org.cooper4j.training.Panel;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Predicts incomes of the Adult data while women and men are predicted a high one at rates that
 * differ by a level at most. For each of several levels, a TorchScript model that Python has
 * trained without a constraint is trained further, the best feasible iterate is chosen and saved as
 * TorchScript again, which {@code src/main/python/income_classifier.py} loads. Started by torchrun,
 * it trains over all processes, whose rates are those of all: their sums are added up. The first
 * one writes.
 */
@Command(
    name = "fairness",
    description = "Trains classifiers under demographic parity at several levels.")
public final class FairClassifier implements Callable<Integer> {
  private static final double[] LEVELS = {1, 0.15, 0.1, 0.05, 0.02, 0.01};
  private static final double SHOWN_LEVEL = 0.05;

  @Option(names = "--epochs", description = "Passes over the training set, for each level.")
  private int epochs = 30;

  @Mixin private CommonOptions options;
  private List<TensorDataset> parts;
  private ProcessGroup group;
  private final Picture picture = new Picture();
  private final Panel accuracy =
      picture.panel("Accuracy against parity").xLabel("gap").yLabel("accuracy");
  private final Panel kept = picture.panel("Is the constraint kept?").xLabel("level").yLabel("gap");

  /** Of a model: the share of right predictions, and the rate of positive ones, men minus women. */
  record Quality(double accuracy, double gap) {}

  /** The best feasible iterate at a level, on both sets; a level of 1 is no constraint. */
  record Result(double level, int epoch, Quality train, Quality test) {}

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new FairClassifier(), args);
  }

  @Override
  public Integer call() throws IOException {
    options.require(epochs >= 1, "--epochs: expected at least 1, found " + epochs);
    parts = Adult.read();
    try (ProcessGroup open = ProcessGroup.fromEnvironment()) {
      group = open;
      boolean writes = group.rank() == 0;
      Files.createDirectories(options.out);
      List<Result> results = new ArrayList<>();
      for (double level : LEVELS) {
        results.add(train(level));
        if (writes) {
          System.out.println(results.get(results.size() - 1));
        }
      }
      if (writes) {
        write(results);
      }
    }
    return 0;
  }

  private void write(List<Result> results) throws IOException {
    Files.writeString(options.out.resolve("fairness.json"), new Gson().toJson(results));
    draw("train", results, Result::train);
    draw("test", results, Result::test);
    kept.line("gap = level", new double[] {0, LEVELS[1]}, new double[] {0, LEVELS[1]});
    options.save(picture, "fairness", 3);
  }

  private void draw(String part, List<Result> results, Function<Result, Quality> on) {
    double[] gaps = results.stream().map(on).mapToDouble(Quality::gap).toArray();
    accuracy.marked(part, gaps, results.stream().map(on).mapToDouble(Quality::accuracy).toArray());
    // Without the first, which is of no constraint.
    kept.marked(part, copyOfRange(LEVELS, 1, gaps.length), copyOfRange(gaps, 1, gaps.length));
  }

  private Result train(double level) throws IOException {
    Path pretrained = Example.data("adult").resolve("classifier.pt");
    JitModule model = TorchScript.load(pretrained, options.device);
    DenseMultiplier multiplier = new DenseMultiplier(2, options.device, ScalarType.Float);
    Constraint parity = new Constraint(ConstraintType.INEQUALITY, multiplier);
    var cmp =
        ConstrainedMinimizationProblem.<Batch>of(
            Map.of("parity", parity),
            batch -> {
              Tensor logits = TorchScript.forward(model, batch.inputs());
              Tensor income = batch.targets().select(1, 0);
              Rate gap = gap(people(logits, batch).summedBy(group::sum));
              return CMPState.of(torch.binary_cross_entropy_with_logits(logits, income))
                  .observe(parity, gap.within(level));
            });
    var optimizer =
        new SimultaneousOptimizer<>(
                cmp,
                new Adam(TorchScript.parameters(model), new AdamOptions(1e-3)),
                new SGD(cmp.dualParameters(), new SGDOptions(0.02)))
            .distribute(group);
    DataLoader loader =
        DataLoader.builder(parts.get(0))
            .batchSize(1024)
            .shuffle(0)
            .device(options.device)
            .shard(group.rank(), group.size())
            .build();
    List<JitModule> models = new ArrayList<>();
    Iterates iterates = new Iterates();
    for (int epoch = 0; epoch <= epochs; epoch++) {
      if (epoch > 0) {
        loader.forEach(optimizer::roll);
      }
      models.add(model.deepcopy());
      RateContext all = people(model, 0);
      iterates.add(all, gap(all).within(level));
    }
    int best = iterates.bestFeasible();
    if (level == SHOWN_LEVEL) {
      iterates.draw(picture.panel("Epochs at level " + level), best);
    }
    if (group.rank() == 0) {
      models.get(best).save(options.out.resolve(name(level)).toString());
    }
    return new Result(level, best, quality(models.get(best), 0), quality(models.get(best), 1));
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

  private Quality quality(JitModule model, int part) {
    RateContext people = people(model, part);
    double accuracy = Rates.accuracy(people.ungrouped()).value().item_double();
    return new Quality(accuracy, gap(people).value().item_double());
  }
}
