package org.cooper4j.distributed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
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
import org.cooper4j.Devices;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;

/** A training with a checkpoint each epoch, as a launcher starts it; writes where it ended. */
public final class Launched {
  private static final int EPOCHS = 10;
  private static final int DIES_AFTER = 4;

  private Launched() {}

  /** Arguments: the checkpoint, and whether rank 1 dies in the first attempt. */
  public static void main(String[] arguments) throws IOException {
    Path file = Path.of(arguments[0]);
    boolean dies =
        Boolean.parseBoolean(arguments[1])
            && "0".equals(System.getenv("TORCHELASTIC_RESTART_COUNT"));
    torch.manual_seed(0);
    Tensor inputs = torch.rand(96, 4).to(ScalarType.Double);
    Tensor targets = torch.rand(96).to(ScalarType.Double);
    Tensor w = torch.zeros(4).to(ScalarType.Double).requires_grad_(true);
    Constraint norm =
        new Constraint(
            ConstraintType.INEQUALITY, new DenseMultiplier(torch.zeros(1).to(ScalarType.Double)));
    var problem =
        ConstrainedMinimizationProblem.<Batch>of(
            batch ->
                CMPState.of(batch.inputs().matmul(w).sub(batch.targets()).square().mean())
                    .lessOrEqual(norm, w.square().sum(), 0.1),
            Map.entry("norm", norm));
    try (ProcessGroup group = ProcessGroup.fromEnvironment()) {
      DataLoader loader =
          DataLoader.builder(new TensorDataset(inputs, targets))
              .batchSize(32)
              .shuffle(0)
              .shard(group.rank(), group.size())
              .build();
      var optimizer =
          new SimultaneousOptimizer<>(
              problem,
              new Adam(new TensorVector(w), new AdamOptions(0.05)),
              new SGD(problem.dualParameters(), new SGDOptions(0.1)));
      long start = 0;
      if (Files.exists(file)) {
        Checkpoint saved = Checkpoint.load(file);
        start = saved.integer("epoch");
        try (NoGradGuard noGrad = new NoGradGuard()) {
          w.copy_(saved.tensor("w"));
        }
        problem.loadStateDict(saved.map("cmp").asMap());
        optimizer.loadStateDict(saved.map("optimizer").asMap());
        loader.loadStateDict(saved.map("loader").asMap());
      }
      optimizer.distribute(group);
      for (long epoch = start; epoch < EPOCHS; epoch++) {
        for (Batch batch : loader) {
          optimizer.roll(batch);
        }
        if (group.rank() == 0) {
          Checkpoint.save(
              file,
              Map.of(
                  "epoch", epoch + 1,
                  "w", w.detach(),
                  "cmp", problem.stateDict(),
                  "optimizer", optimizer.stateDict(),
                  "loader", loader.stateDict()));
        }
        group.barrier();
        if (dies && epoch == DIES_AFTER && group.rank() == 1) {
          Runtime.getRuntime().halt(9);
        }
      }
      // Of their own each: what processes print at a time gets mixed.
      Files.writeString(
          end(file, group.rank()),
          "of %d from %d: %s %s"
              .formatted(
                  group.size(), start, Arrays.toString(Devices.values(w)), norm.multiplierValue()));
    }
  }

  /** Where a rank writes to. */
  static Path end(Path checkpoint, int rank) {
    return checkpoint.resolveSibling(checkpoint.getFileName() + "." + rank);
  }
}
