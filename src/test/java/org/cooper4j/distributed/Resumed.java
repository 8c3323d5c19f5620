package org.cooper4j.distributed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.BatchNorm1dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.DropoutImpl;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.Devices;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.training.Checkpoints;
import org.cooper4j.training.CooperCheckpoint;
import org.cooper4j.training.History;
import org.cooper4j.training.Trainer;
import org.cooper4j.training.Training;
import org.cooper4j.training.TrainingListener;

/**
 * A rank that trains with dropout, running statistics and a shuffled loader: once without a stop,
 * and twice from a checkpoint in the middle. Writes where each run ends, as Cases does.
 */
final class Resumed {
  private static final long STEPS = 12; // of 5 an epoch
  private static final long STOP = 7;

  private Resumed() {}

  private static final class Net extends Module {
    private final LinearImpl first = new LinearImpl(3, 8);
    private final BatchNorm1dImpl norm = new BatchNorm1dImpl(new BatchNormOptions(8));
    private final DropoutImpl dropout = new DropoutImpl(0.5);
    private final LinearImpl last = new LinearImpl(8, 1);

    Net() {
      register_module("first", first);
      register_module("norm", norm);
      register_module("dropout", dropout);
      register_module("last", last);
    }

    Tensor forward(Tensor inputs) {
      return last.forward(dropout.forward(norm.forward(first.forward(inputs)).relu()));
    }
  }

  /** Trains so many steps, or to the end of epochs; what there is then. */
  private static double[] train(
      ProcessGroup group, long seed, long steps, TrainingListener... listeners) {
    torch.manual_seed(7);
    Tensor inputs = torch.rand(80, 3);
    TensorDataset data = new TensorDataset(inputs, inputs.sum(new long[] {1}).unsqueeze(1));
    torch.manual_seed(seed + group.rank()); // each draws dropout's masks of its own
    Net model = new Net();
    Constraint bound = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1));
    var problem =
        ConstrainedMinimizationProblem.<Batch>of(
            batch -> {
              Tensor outputs = model.forward(batch.inputs());
              return CMPState.of(outputs.sub(batch.targets()).square().mean())
                  .lessOrEqual(bound, outputs.square().mean(), 0.1);
            },
            Map.entry("bound", bound));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new Adam(model.parameters(), new AdamOptions(0.01)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)));
    optimizer.distribute(group);
    var loader =
        DataLoader.builder(data)
            .batchSize(16)
            .shuffle(seed)
            .shard(group.rank(), group.size())
            .build();
    new Trainer<>(optimizer).module("model", model).listen(listeners).fitSteps(loader, steps);
    return new double[] {
      Devices.values(model.first.weight())[0],
      Devices.values(model.norm.running_mean())[0],
      bound.multiplierValue(),
      Devices.values(torch.rand(1))[0] // where the generator is
    };
  }

  /**
   * One training of a rank that is killed before it has told its listeners of a step, if that is
   * not 0. Arguments: where the end is written, before the rank; the folder; the seed; the step.
   */
  static final class Killed {
    private Killed() {}

    public static void main(String[] arguments) throws IOException {
      long dies = Long.parseLong(arguments[3]);
      StringBuilder text = new StringBuilder();
      try (ProcessGroup group = ProcessGroup.fromEnvironment()) {
        TrainingListener death =
            new TrainingListener() {
              @Override
              public void step(Training training, RollOut rollOut) {
                if (group.rank() == 1 && training.step() == dies) {
                  Runtime.getRuntime().halt(9);
                }
              }
            };
        var checkpoints = new Checkpoints(Path.of(arguments[1])).everySteps(3);
        Cases.write(
            text, "end", train(group, Long.parseLong(arguments[2]), STEPS, death, checkpoints));
      }
      Files.writeString(Path.of(arguments[0] + System.getenv("RANK")), text);
    }
  }

  /**
   * One training in which some ranks are asked to end after the eighth step. Arguments: the folder;
   * which ranks.
   */
  static final class Signalled {
    private Signalled() {}

    public static void main(String[] arguments) throws IOException {
      try (ProcessGroup group = ProcessGroup.fromEnvironment()) {
        TrainingListener signal =
            new TrainingListener() {
              @Override
              public void step(Training training, RollOut rollOut) {
                if (training.step() == 8 && arguments[1].contains("" + group.rank())) {
                  askToEnd();
                }
              }
            };
        train(group, 0, STEPS, signal, new Checkpoints(Path.of(arguments[0])));
      }
    }

    /** Waits until the training knows of it. */
    private static void askToEnd() {
      try {
        String self = Long.toString(ProcessHandle.current().pid());
        new ProcessBuilder("kill", "-TERM", self).start().waitFor();
        while (Thread.getAllStackTraces().keySet().stream()
            .noneMatch(
                thread ->
                    thread.getName().equals("cooper4j checkpoint")
                        && thread.getState() == Thread.State.TIMED_WAITING)) {
          Thread.sleep(10);
        }
      } catch (IOException | InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** Arguments: the start of the outputs' names; where rank 0 and where the others have files. */
  public static void main(String[] arguments) throws IOException {
    StringBuilder text = new StringBuilder();
    try (ProcessGroup group = ProcessGroup.fromEnvironment()) {
      Path folder = Path.of(arguments[group.rank() == 0 ? 1 : 2]);
      // Saving is part of it: buffers become the first process's.
      Path another = Path.of(arguments[1] + "-whole");
      Cases.write(text, "whole", train(group, 0, STEPS, new Checkpoints(another).everySteps(3)));
      train(group, 0, STOP, new Checkpoints(folder).everySteps(3));
      Cases.write(text, "resumed", train(group, 90, STEPS, new Checkpoints(folder).everySteps(3)));
      History history = new History();
      train(group, 0, 5, history, new CooperCheckpoint(folder.resolve("cooper.pth"), history));
      History others = new History();
      Cases.write(
          text,
          "cooper",
          train(group, 90, 5, others, new CooperCheckpoint(folder.resolve("cooper.pth"), others)));
      Cases.write(text, "first five", train(group, 0, 5));
      String[] files = folder.toFile().list(); // null where none was made
      Cases.write(text, "files", files == null ? 0 : files.length);
    }
    Files.writeString(Path.of(arguments[0] + System.getenv("RANK")), text);
  }
}
