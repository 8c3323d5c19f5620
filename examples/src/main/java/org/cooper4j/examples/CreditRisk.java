package org.cooper4j.examples;

import static java.util.Arrays.stream;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.data.Batch;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.StochasticModel;
import org.cooper4j.rates.Fairness;
import org.cooper4j.rates.Rate;
import org.cooper4j.rates.RateContext;
import org.cooper4j.rates.RateReport;
import org.cooper4j.rates.Rates;
import org.cooper4j.rates.Surrogate;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Grants credits (German credit data) to as many people in each of four groups by age and sex,
 * within 0.05 of all. Multipliers that move too fast make the run swing, so that the last iterate
 * is what chance makes it; a mixture of at most nine iterates is feasible, and errs no more than
 * any feasible one. It is saved as one checkpoint.
 */
@Command(
    name = "credit-risk",
    description = "Shrinks a run that swings to a distribution over its iterates.")
public final class CreditRisk implements Callable<Integer> {
  private static final List<String> GROUPS =
      List.of("women to 25", "men to 25", "women over 25", "men over 25");
  private static final Set<String> NUMBERS =
      Set.of("duration_in_month", "credit_amount", "age_in_years");
  private static final int TRAIN_ROWS = 700;
  private static final int EVERY = 5;

  @Option(names = "--steps", description = "Steps on the whole training set.")
  private int steps = 1500;

  @Option(names = "--dual-rate", description = "The multipliers' learning rate.")
  private double dualRate = 1;

  @Mixin private CommonOptions options;
  private final List<Batch> parts = new ArrayList<>();
  private LinearImpl model;

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new CreditRisk(), args);
  }

  @Override
  public Integer call() throws IOException {
    for (TensorDataset part : read()) {
      Tensor inputs = part.inputs().to(options.device, ScalarType.Float);
      parts.add(new Batch(inputs, part.targets().to(options.device, ScalarType.Float)));
    }
    torch.manual_seed(0);
    model = new LinearImpl(parts.get(0).inputs().size(1), 1);
    model.to(options.device, false);
    DenseMultiplier multiplier = new DenseMultiplier(8, options.device, ScalarType.Float);
    Constraint parity = new Constraint(ConstraintType.INEQUALITY, multiplier);
    var cmp =
        ConstrainedMinimizationProblem.<Batch>of(
            Map.of("parity", parity),
            batch -> {
              RateContext all = people(scores(batch), batch);
              Rate error = Rates.errorRate(all.ungrouped().with(Surrogate.crossEntropy()));
              return CMPState.of(error.surrogate()).observe(parity, parity(all));
            });
    List<Map<String, Object>> states = new ArrayList<>();
    List<Iterates> iterates = List.of(new Iterates(), new Iterates());
    try (var optimizer =
        new SimultaneousOptimizer<>(
            cmp,
            new Adam(model.parameters(), new AdamOptions(0.03)),
            new SGD(cmp.dualParameters(), new SGDOptions(dualRate)))) {
      for (int step = EVERY; step <= steps; step += EVERY) {
        for (int i = 0; i < EVERY; i++) {
          optimizer.roll(parts.get(0));
        }
        states.add(StateDict.copyOf(StateDict.of(model)));
        for (int part = 0; part < 2; part++) {
          measure(parts.get(part), iterates.get(part));
        }
      }
    }
    Iterates train = iterates.get(0);
    double[] probabilities = train.mixture();
    StochasticModel mixture = saved(new StochasticModel(probabilities, states, 0));

    Repeats table =
        new Repeats("train: error", "train: violation", "test: error", "test: violation");
    add(table, "last iterate", iterates, train.last());
    add(table, "all iterates", iterates, train.uniform());
    add(table, "best iterate", iterates, train.only(train.best()));
    add(table, "mixture of " + mixture.states().size(), iterates, probabilities);
    System.out.println(table);
    var swing = stream(train.largest()).skip(states.size() / 2).summaryStatistics();
    System.out.printf(
        Locale.ROOT,
        "largest violation in the second half of the run: %.4f to %.4f%n",
        swing.getMin(),
        swing.getMax());
    report(mixture);

    Picture picture = new Picture();
    double[] at = IntStream.range(0, states.size()).mapToDouble(i -> EVERY * (i + 1)).toArray();
    picture
        .panel("The run swings")
        .xLabel("step")
        .yLabel("largest violation")
        .line(at, train.largest())
        .level(0);
    train.draw(picture.panel("Candidates on the training set"), train.best(), probabilities);
    options.save(picture, "credit_risk", 2);
    return 0;
  }

  /** Targets are whether the credit was paid back, and the group. */
  private static List<TensorDataset> read() throws IOException {
    Table table =
        new Table(Example.data("german").resolve("german.csv.gz")).requireMoreRows(TRAIN_ROWS);
    TensorVector words = new TensorVector();
    TensorVector numbers = new TensorVector();
    for (String name : table.namesBut(Set.of("credit_risk"))) {
      if (NUMBERS.contains(name)) {
        numbers.push_back(table.standardised(name));
      } else {
        words.push_back(table.codes(name));
      }
    }
    Tensor inputs = torch.cat(new TensorVector(Table.oneHot(words), torch.stack(numbers, 1)), 1);
    Tensor older = table.bins("age_in_years", 25).to(ScalarType.Float);
    Tensor men = table.is("personal_status_and_sex", "A91", "A93", "A94");
    return Table.split(
        TRAIN_ROWS, inputs, table.is("credit_risk", "1"), older.mul(new Scalar(2)).add(men));
  }

  private Tensor scores(Batch batch) {
    return model.forward(batch.inputs()).squeeze(1);
  }

  private static RateContext people(Tensor scores, Batch batch) {
    return RateContext.of(scores, batch.targets().select(1, 0))
        .groupBy(batch.targets().select(1, 1), GROUPS);
  }

  private static ConstraintState parity(RateContext all) {
    return Fairness.DEMOGRAPHIC_PARITY.deviations(all).within(0.05);
  }

  private void measure(Batch batch, Iterates iterates) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      RateContext all = people(scores(batch), batch);
      iterates.add(all, parity(all));
    }
  }

  private static void add(
      Repeats table, String name, List<Iterates> iterates, double[] probabilities) {
    table.add(
        name, iterates.get(0).expected(probabilities), iterates.get(1).expected(probabilities));
  }

  /** The mixture as it is loaded again. */
  private StochasticModel saved(StochasticModel mixture) throws IOException {
    Path file = options.out.resolve("credit_risk.pt");
    Files.createDirectories(options.out);
    Checkpoint.save(file, mixture.stateDict());
    return StochasticModel.of(Checkpoint.load(file).asMap());
  }

  /** Decides about each person of the test set by lot. */
  private void report(StochasticModel mixture) {
    Batch test = parts.get(1);
    Tensor drawn =
        mixture.scores(
            state -> {
              StateDict.load(model, state);
              return scores(test);
            });
    Map<String, Function<RateContext, Rate>> rows =
        Map.of("granted", Rates::positivePredictionRate);
    System.out.println(RateReport.of(people(drawn, test), rows, 200, 0));
  }
}
