package org.cooper4j.examples;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;
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
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.ProxyLagrangianOptimizer;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.rates.RateContext;
import org.cooper4j.rates.Rates;
import org.cooper4j.rates.RunningSums;
import org.cooper4j.rates.Sums;
import org.cooper4j.rates.Surrogate;
import org.cooper4j.rates.Thresholds;
import org.cooper4j.training.Picture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * A linear classifier of the Adult data whose recall for women, men, white and black people is at
 * most 0.05 below that of all, after the notebook {@code Fairness_adult} of TensorFlow Constrained
 * Optimization: its inputs, the hinge, batches of 100, 40 epochs, Adam at 0.01 for both players of
 * the proxy-Lagrangian game. A Lagrangian optimizer, and thresholds of each group for the model
 * that was trained without the constraint, are compared to it.
 */
@Command(
    name = "equal-opportunity",
    description = "Trains linear classifiers under equal opportunity in several ways.")
public final class EqualOpportunity implements Callable<Integer> {
  private static final double SLACK = 0.05;

  @Option(names = "--epochs", description = "Passes over the training set.")
  private int epochs = 40;

  @Option(names = "--seeds", description = "Repeats, whose means and deviations are printed.")
  private int seeds = 1;

  @Mixin private CommonOptions options;
  private List<TensorDataset> parts;

  private enum Method {
    NO_CONSTRAINT,
    LAGRANGIAN,
    PROXY_LAGRANGIAN
  }

  /** A model with its iterates on both parts. */
  private record Run(LinearImpl model, Iterates train, Iterates test) {
    /** Adds what a mixture does on either. */
    void addTo(Repeats table, String name, double[] probabilities) {
      table.add(name, train.expected(probabilities), test.expected(probabilities));
    }
  }

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new EqualOpportunity(), args);
  }

  @Override
  public Integer call() throws IOException {
    options.require(epochs >= 1, "--epochs: expected at least 1, found " + epochs);
    options.require(seeds >= 1, "--seeds: expected at least 1, found " + seeds);
    parts = Adult.readOneHot();
    Picture picture = new Picture();
    Repeats table =
        new Repeats("train: error", "train: violation", "test: error", "test: violation");
    for (int seed = 0; seed < seeds; seed++) {
      Run free = train(seed, Method.NO_CONSTRAINT);
      Run decided = withThresholds(free.model);
      free.addTo(table, "no constraint", free.train.last());
      decided.addTo(table, "no constraint, thresholds by group", decided.train.last());
      for (Method method : List.of(Method.LAGRANGIAN, Method.PROXY_LAGRANGIAN)) {
        Run run = train(seed, method);
        String name = method == Method.LAGRANGIAN ? "Lagrangian" : "proxy-Lagrangian";
        run.addTo(table, name + ", last iterate", run.train.last());
        run.addTo(table, name + ", all iterates", run.train.uniform());
        int best = run.train.best();
        run.addTo(table, name + ", best iterate", run.train.only(best));
        double[] mixture = run.train.mixture();
        run.addTo(table, name + ", best mixture", mixture);
        if (seed == 0) {
          run.train.draw(picture.panel(name + ", training set"), best, mixture);
          run.test.draw(picture.panel(name + ", test set"), best, mixture);
        }
      }
    }
    System.out.println(table);
    options.save(picture, "equal_opportunity", 2);
    return 0;
  }

  private Run train(int seed, Method method) {
    torch.manual_seed(seed);
    LinearImpl model = new LinearImpl(parts.get(0).inputs().size(1), 1);
    model.to(options.device, false);
    Constraint recalls =
        new Constraint(
            ConstraintType.INEQUALITY, new DenseMultiplier(4, options.device, ScalarType.Float));
    RunningSums running = new RunningSums(0.99);
    var cmp =
        ConstrainedMinimizationProblem.<Batch>of(
            method == Method.NO_CONSTRAINT ? Map.of() : Map.of("recalls", recalls),
            batch -> {
              RateContext all = people(model, batch);
              CMPState state = CMPState.of(Rates.errorRate(all).surrogate());
              return method == Method.NO_CONSTRAINT
                  ? state
                  : state.observe(recalls, opportunity(all, batch.targets(), running));
            });
    DataLoader batches =
        DataLoader.builder(parts.get(0))
            .batchSize(100)
            .shuffle(seed)
            .device(options.device)
            .build();
    Run run = new Run(model, new Iterates(), new Iterates());
    try (CooperOptimizer<Batch> optimizer = optimizer(method, cmp, model)) {
      for (int epoch = 0; epoch < epochs; epoch++) {
        batches.forEach(optimizer::roll);
        measure(model, 0, run.train);
        measure(model, 1, run.test);
      }
    }
    return run;
  }

  private static CooperOptimizer<Batch> optimizer(
      Method method, ConstrainedMinimizationProblem<Batch> cmp, LinearImpl model) {
    AdamOptions options = new AdamOptions(0.01);
    Adam primal = new Adam(model.parameters(), options);
    return switch (method) {
      case NO_CONSTRAINT -> new UnconstrainedOptimizer<>(cmp, primal);
      case LAGRANGIAN ->
          new SimultaneousOptimizer<>(
              cmp, primal, new SGD(cmp.dualParameters(), new SGDOptions(0.005)));
      case PROXY_LAGRANGIAN ->
          new ProxyLagrangianOptimizer<>(cmp, primal, matrix -> new Adam(matrix, options));
    };
  }

  private static RateContext people(LinearImpl model, Batch batch) {
    return people(model.forward(batch.inputs()).squeeze(1), batch).with(Surrogate.hinge());
  }

  private static RateContext people(Tensor scores, Batch batch) {
    return RateContext.of(scores, batch.targets().select(1, 0));
  }

  /** Everybody's recall is that of those with an income above 50,000 dollars, the first group. */
  private static ConstraintState opportunity(
      RateContext all, Tensor targets, UnaryOperator<Sums> sums) {
    RateContext groups = all.groups(targets.t());
    return Rates.truePositiveRate(groups).with(sums).differenceTo(0).atLeast(-SLACK);
  }

  private Batch all(int part) {
    TensorDataset people = parts.get(part);
    return new Batch(
        people.inputs().to(options.device, ScalarType.Float),
        people.targets().to(options.device, ScalarType.Float));
  }

  private void measure(LinearImpl model, int part, Iterates iterates) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      Batch batch = all(part);
      add(people(model, batch), batch, iterates);
    }
  }

  private static void add(RateContext all, Batch batch, Iterates iterates) {
    iterates.add(all, opportunity(all, batch.targets(), UnaryOperator.identity()));
  }

  /** Thresholds of the six intersections of both sexes with white, black and other people. */
  private Run withThresholds(LinearImpl model) {
    Run run = new Run(model, new Iterates(), new Iterates());
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      Batch train = all(0);
      Thresholds thresholds =
          Thresholds.choose(
              people(model, train).groupBy(intersections(train), 6),
              all -> Rates.errorRate(all.ungrouped()),
              all -> opportunity(all.ungrouped(), train.targets(), UnaryOperator.identity()));
      for (int part = 0; part < 2; part++) {
        Batch batch = all(part);
        Tensor scores = model.forward(batch.inputs()).squeeze(1);
        Tensor positive =
            thresholds
                .probabilities(scores, intersections(batch))
                .to(options.device, ScalarType.Float);
        // Each person twice, as positive and as negative, as often as that is drawn.
        Tensor one = torch.ones_like(positive);
        Batch twice =
            new Batch(cat(batch.inputs(), batch.inputs()), cat(batch.targets(), batch.targets()));
        RateContext all =
            people(cat(one, one.neg()), twice).weighted(cat(positive, one.sub(positive)));
        add(all, twice, part == 0 ? run.train : run.test);
      }
    }
    return run;
  }

  private static Tensor cat(Tensor first, Tensor second) {
    return torch.cat(new TensorVector(first, second));
  }

  private static Tensor intersections(Batch batch) {
    Tensor male = batch.targets().select(1, 2);
    Tensor white = batch.targets().select(1, 3);
    Tensor black = batch.targets().select(1, 4);
    return male.mul(new Scalar(3)).add(white).add(black.mul(new Scalar(2)));
  }
}
