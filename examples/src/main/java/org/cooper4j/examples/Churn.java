package org.cooper4j.examples;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.DoubleStream;
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
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;
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
 * Who will leave? Of invented customers one in six does, for one of two reasons, and some loyal
 * ones look as if they had the first. A linear model is to find many while it suspects at most 5%
 * of the loyal customers; and, for a campaign that pays where nine of ten are right, many at a
 * precision of 0.9. The cross-entropy aims at neither.
 */
@Command(
    name = "churn",
    description = "Bounds the false positive rate; maximises recall at a precision.")
public final class Churn implements Callable<Integer> {
  private static final double FALSE_ALARMS = 0.05;
  private static final double NO_BOUND = 1;
  private static final double PRECISION = 0.9;
  private static final int CUSTOMERS = 4000;

  @Option(names = "--steps", description = "Steps of a training, on all customers.")
  private int steps = 2000;

  @Mixin private CommonOptions options;
  private final Picture picture = new Picture();
  private final Panel panel =
      picture.panel("Test set").xLabel("false positive rate").yLabel("recall");
  private final Repeats table =
      new Repeats(
          "recall",
          "false positive rate",
          "best threshold: recall at false positive rate 0.05",
          "at precision 0.9");
  private Batch train;
  private Batch test;

  /** Runs the program; {@code --help} lists its options. */
  public static void main(String[] args) {
    Example.run(new Churn(), args);
  }

  @Override
  public Integer call() throws IOException {
    torch.manual_seed(0);
    train = customers();
    test = customers();
    show("cross-entropy", fit(this::crossEntropy, NO_BOUND));
    show(
        "false positive rate <= 0.05",
        fit(all -> Rates.falseNegativeRate(all).surrogate(), FALSE_ALARMS));
    show(
        "recall at precision 0.9",
        fit(all -> Rates.recallAtPrecision(all, PRECISION).times(-1).surrogate(), NO_BOUND));
    System.out.println(table);
    options.save(picture, "churn", 1);
    return 0;
  }

  /** Inputs {@code [n, 3]}, targets {@code [n]}: 1 for who leaves. */
  private Batch customers() {
    Tensor reason = torch.rand(CUSTOMERS);
    Tensor first = reason.lt(new Scalar(0.06)).to(ScalarType.Float);
    Tensor second = reason.gt(new Scalar(0.9)).to(ScalarType.Float);
    Tensor leaves = first.add(second);
    Tensor lookalike =
        torch
            .rand(CUSTOMERS)
            .lt(new Scalar(0.07))
            .to(ScalarType.Float)
            .mul(leaves.eq(new Scalar(0)));
    Tensor inputs =
        torch
            .randn(CUSTOMERS, 3)
            .add(first.outer(Tensor.create(4f, 0f, 0f)))
            .add(lookalike.outer(Tensor.create(4f, -1f, 1f)))
            .add(second.outer(Tensor.create(0f, 3f, 0f)));
    return new Batch(
        inputs.to(options.device, ScalarType.Float), leaves.to(options.device, ScalarType.Float));
  }

  private Tensor crossEntropy(RateContext all) {
    return Rates.errorRate(all.with(Surrogate.crossEntropy())).surrogate();
  }

  private LinearImpl fit(Function<RateContext, Tensor> objective, double falseAlarms) {
    torch.manual_seed(1);
    LinearImpl model = new LinearImpl(3, 1);
    model.to(options.device, false);
    Constraint alarms =
        new Constraint(
            ConstraintType.INEQUALITY, new DenseMultiplier(1, options.device, ScalarType.Float));
    var cmp =
        ConstrainedMinimizationProblem.<Batch>of(
            Map.of("alarms", alarms),
            batch -> {
              RateContext all = score(model, batch);
              return CMPState.of(objective.apply(all))
                  .observe(alarms, Rates.falsePositiveRate(all).atMost(falseAlarms));
            });
    try (var optimizer =
        new SimultaneousOptimizer<>(
            cmp,
            new Adam(model.parameters(), new AdamOptions(0.02)),
            new SGD(cmp.dualParameters(), new SGDOptions(0.1)))) {
      for (int step = 0; step < steps; step++) {
        optimizer.roll(train);
      }
    }
    return model;
  }

  private static RateContext score(LinearImpl model, Batch batch) {
    return RateContext.of(model.forward(batch.inputs()).squeeze(1), batch.targets());
  }

  private void show(String name, LinearImpl model) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      RateContext all = score(model, test);
      table.add(
          name,
          Values.of(Rates.truePositiveRate(all).value()),
          Values.of(Rates.falsePositiveRate(all).value()),
          recall(all, FALSE_ALARMS),
          Values.of(Rates.recallAtPrecision(all, PRECISION).value()));
      double[] rates = IntStream.rangeClosed(1, 40).mapToDouble(i -> i * 0.005).toArray();
      panel.line(name, rates, DoubleStream.of(rates).map(rate -> recall(all, rate)[0]).toArray());
    }
  }

  private static double[] recall(RateContext all, double falseAlarms) {
    return Values.of(Rates.truePositiveRateAtFalsePositiveRate(all, falseAlarms).value());
  }
}
