package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.EveryDevice;
import org.cooper4j.ResidentMemory;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.multipliers.DenseMultiplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What happens around a roll does not change what it does. */
@EveryDevice
class DisturbedRollTest {
  /** min |x − c|² s.t. x <= 1, whose evaluation may fail half-way. */
  private static final class Bounded extends ConstrainedMinimizationProblem<Boolean> {
    final Tensor x = vector(3, -2, 0.5).requires_grad_(true);
    final Tensor center = vector(4, 5, 6);
    final Constraint bounded =
        register("bounded", new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(3)));
    final SimultaneousOptimizer<Boolean> optimizer =
        new SimultaneousOptimizer<>(
            this,
            new Adam(new TensorVector(x), new AdamOptions(0.01)),
            new SGD(dualParameters(), new SGDOptions(0.1)));

    @Override
    public CMPState computeCMPState(Boolean fails) {
      CMPState state = CMPState.of(x.sub(center).square().sum());
      Tensor violation = x.sub(new Scalar(1.0));
      if (fails) {
        throw new IllegalStateException("no data");
      }
      return state.observe(bounded, violation);
    }

    double[] train(int rolls) {
      for (int i = 0; i < rolls; i++) {
        optimizer.roll(false);
      }
      return values(x);
    }
  }

  @Test
  void anEvaluationThatThrowsChangesNoOptimizerAndKeepsNoMemory(@TempDir Path folder)
      throws Exception {
    Bounded disturbed = new Bounded();
    disturbed.train(50);
    Path file = folder.resolve("optimizer.pt");
    Checkpoint.save(file, disturbed.optimizer.stateDict());
    Path before = Files.move(file, folder.resolve("before.pt"));

    long growth =
        ResidentMemory.growthOver(
            20_000,
            () -> assertThatThrownBy(() -> disturbed.optimizer.roll(true)).hasMessage("no data"));

    assertThat(growth).isLessThan(64L << 20);
    Checkpoint.save(file, disturbed.optimizer.stateDict());
    assertThat(file).hasSameBinaryContentAs(before);
    assertThat(disturbed.train(50)).containsExactly(new Bounded().train(100));
  }

  @Test
  void garbageCollectionsDuringRollsDoNotDisturbThem() throws Exception {
    double[] undisturbed = new Bounded().train(3_000);
    AtomicBoolean done = new AtomicBoolean();
    Thread collector =
        new Thread(
            () -> {
              while (!done.get()) {
                byte[][] garbage = new byte[64][];
                for (int i = 0; i < garbage.length; i++) {
                  garbage[i] = new byte[1 << 16];
                }
                System.gc();
              }
            });
    collector.start();
    try {
      assertThat(new Bounded().train(3_000)).containsExactly(undisturbed);
    } finally {
      done.set(true);
      collector.join();
    }
  }
}
