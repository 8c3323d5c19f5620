package org.cooper4j.examples;

import static java.util.Arrays.stream;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.rates.RateContext;
import org.cooper4j.rates.Rates;
import org.cooper4j.rates.Surrogate;
import org.cooper4j.training.Panel;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * How far a constraint is missed on new data, by networks of several widths that 8,000 people of
 * the Adult data train: once model and multipliers see all of them, once a half each (Cotter et
 * al., "Training Well-Generalizing Classifiers for Fairness Metrics and Other Data-Dependent
 * Constraints", ICML 2019). The recall of women and of men is to be 0.7 at least.
 */
@Command(
    name = "held-out",
    description = "Shows the multipliers data that the model is not trained on.")
public final class HeldOut implements Callable<Integer> {
  private static final int PEOPLE = 8000;
  private static final double RECALL = 0.7;
  private static final int EVERY = 20;

  @Option(names = "--widths", split = ",", description = "Numbers of hidden units.")
  private int[] widths = {1, 8, 64, 512};

  @Option(names = "--steps", description = "Steps of a training.")
  private int steps = 1000;

  @Option(names = "--seeds", description = "Repeats, whose means and deviations are printed.")
  private int seeds = 4;

  @Mixin private CommonOptions options;
  private List<TensorDataset> parts;

  /** What model and multipliers see. */
  private record Both(Batch model, Batch multipliers) {}

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new HeldOut(), args);
  }

  @Override
  public Integer call() throws IOException {
    options.require(steps >= EVERY, "--steps: expected at least " + EVERY + ", found " + steps);
    options.require(seeds >= 1 && seeds <= 4, "--seeds: expected 1 to 4, found " + seeds);
    parts = Adult.readOneHot();
    Repeats table = new Repeats("seen: error", "seen: violation", "test: error", "test: violation");
    for (int width : widths) {
      for (int seed = 0; seed < seeds; seed++) {
        long from = (long) seed * PEOPLE;
        Batch all = rows(0, from, PEOPLE);
        Batch first = rows(0, from, PEOPLE / 2);
        Batch second = rows(0, from + PEOPLE / 2, PEOPLE / 2);
        train(new Network(width, seed), new Both(all, all), table, row(width, "one"));
        train(new Network(width, seed), new Both(first, second), table, row(width, "two"));
      }
    }
    System.out.println(table);
    Picture picture = new Picture();
    Panel panel =
        picture
            .panel("What is missed on the test set")
            .xLabel("log2 of the width")
            .yLabel("largest violation");
    for (String sets : List.of("one", "two")) {
      double[] missed = stream(widths).mapToDouble(w -> table.mean(row(w, sets), 3)).toArray();
      panel.marked(
          sets, stream(widths).mapToDouble(w -> Math.log(w) / Math.log(2)).toArray(), missed);
    }
    panel.level(0);
    options.save(picture, "held_out", 1);
    return 0;
  }

  private static String row(int width, String sets) {
    return "width " + width + ", data sets: " + sets;
  }

  private void train(Network network, Both data, Repeats table, String row) {
    DenseMultiplier multiplier = new DenseMultiplier(2, options.device, ScalarType.Float);
    Constraint recalls = new Constraint(ConstraintType.INEQUALITY, multiplier);
    var cmp =
        ConstrainedMinimizationProblem.<Both>of(
            Map.of("recalls", recalls),
            both -> {
              RateContext learnt = network.judge(both.model);
              RateContext watched = network.judge(both.multipliers);
              return CMPState.of(Rates.errorRate(learnt.ungrouped()).surrogate())
                  .observe(
                      recalls,
                      Rates.truePositiveRate(learnt)
                          .withValueOf(Rates.truePositiveRate(watched))
                          .atLeast(RECALL));
            });
    Iterates seen = new Iterates();
    Iterates test = new Iterates();
    Batch unseen = rows(1, 0, parts.get(1).size());
    try (var optimizer =
        new SimultaneousOptimizer<>(
            cmp,
            new Adam(network.parameters(), new AdamOptions(0.01)),
            new SGD(cmp.dualParameters(), new SGDOptions(1)))) {
      for (int step = 1; step <= steps; step++) {
        optimizer.roll(data);
        if (step % EVERY == 0) {
          measure(network, data.model, data.multipliers, seen);
          measure(network, unseen, unseen, test);
        }
      }
    }
    double[] mixture = seen.mixture();
    table.add(row, seen.expected(mixture), test.expected(mixture));
  }

  private static void measure(
      Network network, Batch ofError, Batch ofViolation, Iterates iterates) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      RateContext watched = network.judge(ofViolation);
      iterates.add(network.judge(ofError), Rates.truePositiveRate(watched).atLeast(RECALL));
    }
  }

  /** A layer of hidden units. */
  private final class Network {
    private final LinearImpl hidden;
    private final LinearImpl output;

    Network(int width, int seed) {
      torch.manual_seed(seed);
      hidden = new LinearImpl(parts.get(0).inputs().size(1), width);
      output = new LinearImpl(width, 1);
      hidden.to(options.device, false);
      output.to(options.device, false);
    }

    TensorVector parameters() {
      return new TensorVector(hidden.weight(), hidden.bias(), output.weight(), output.bias());
    }

    RateContext judge(Batch people) {
      Tensor scores = output.forward(torch.relu(hidden.forward(people.inputs()))).squeeze(1);
      return RateContext.of(scores, people.targets().select(1, 0))
          .groupBy(people.targets().select(1, 2), List.of("women", "men"))
          .with(Surrogate.crossEntropy());
    }
  }

  private Batch rows(int part, long from, long count) {
    TensorDataset all = parts.get(part);
    return new Batch(
        all.inputs().narrow(0, from, count).to(options.device, ScalarType.Float),
        all.targets().narrow(0, from, count).to(options.device, ScalarType.Float));
  }
}
