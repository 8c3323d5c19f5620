package org.cooper4j.training;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.DropoutImpl;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Module;
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
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.LRScheduler;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.Schedule;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;

/** A training with everything that has a state: dropout, shuffling, a schedule, penalties. */
final class Run {
  static final int ROWS = 22;
  static final int BATCH_SIZE = 4;
  static final int BATCHES = 6;

  final Net model;
  final Problem problem;
  final SimultaneousOptimizer<Batch> optimizer;
  final LRScheduler scheduler;
  final DataLoader loader;
  final DataLoader validation;
  final Trainer<Batch> trainer;

  /** Two layers with dropout between them. */
  static final class Net extends Module {
    private final LinearImpl first = new LinearImpl(3, 8);
    final DropoutImpl dropout = new DropoutImpl(0.5);
    private final LinearImpl last = new LinearImpl(8, 1);

    Net() {
      register_module("first", first);
      register_module("dropout", dropout);
      register_module("last", last);
    }

    Tensor forward(Tensor inputs) {
      return last.forward(dropout.forward(first.forward(inputs).relu()));
    }
  }

  /** Least squares, whose mean square of outputs is bounded. */
  final class Problem extends ConstrainedMinimizationProblem<Batch> {
    final Constraint bound =
        register(
            "bound",
            new Constraint(
                ConstraintType.INEQUALITY,
                AugmentedLagrangian::new,
                new DenseMultiplier(1),
                new DensePenaltyCoefficient(1)));
    long failAt = -1;
    long evaluations;

    @Override
    public CMPState computeCMPState(Batch batch) {
      if (evaluations++ == failAt) {
        throw new IllegalStateException("the data ended");
      }
      Tensor outputs = model.forward(batch.inputs());
      return CMPState.of(outputs.sub(batch.targets()).square().mean())
          .observe(bound, outputs.square().mean().sub(new Scalar(0.1)))
          .misc("mean", outputs.mean());
    }
  }

  /** The seed is another one in every JVM, as it were: what is resumed must not depend on it. */
  Run(long seed) {
    torch.manual_seed(seed);
    model = new Net();
    problem = new Problem();
    Adam primal = new Adam(model.parameters(), new AdamOptions(0.01));
    SGD dual = new SGD(problem.dualParameters(), new SGDOptions(0.1));
    optimizer = new SimultaneousOptimizer<>(problem, primal, dual);
    scheduler = new LRScheduler(primal, Schedule.exponential(0.9));
    loader = loader(5);
    validation = loader(6);
    trainer = new Trainer<>(optimizer).module("model", model);
  }

  static DataLoader loader(long seed) {
    return DataLoader.builder(data()).batchSize(BATCH_SIZE).shuffle(seed).build();
  }

  static TensorDataset data() {
    Tensor inputs = torch.arange(new Scalar(3 * ROWS)).to(ScalarType.Float).view(ROWS, 3);
    Tensor scaled = inputs.sin();
    return new TensorDataset(scaled, scaled.sum(new long[] {1}).unsqueeze(1));
  }

  /** The listeners that remember something. */
  Run withAll() {
    trainer.listen(
        Stepped.everyEpoch(scheduler),
        Stepped.everySteps(1, new MultiplicativePenaltyCoefficientUpdater()),
        new Validation<>(problem, validation),
        new Validation<>(problem, validation).named("often").everySteps(4),
        new BestFeasible("often").tolerance(0.05),
        EarlyStopping.feasiblePlateau(1000).tolerance(0.05),
        new History(2),
        new History());
    return this;
  }

  List<Tensor> parameters() {
    List<Tensor> all = new ArrayList<>();
    trainer.training().variables().forEachPrimal(all::add);
    return all;
  }

  /** A listener of steps. */
  static TrainingListener everyStep(Consumer<Training> action) {
    return new TrainingListener() {
      @Override
      public void step(Training training, RollOut rollOut) {
        action.accept(training);
      }
    };
  }
}
