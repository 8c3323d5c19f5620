package org.cooper4j.training.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.training.History;
import org.cooper4j.training.Picture;
import org.cooper4j.training.Trainer;
import org.cooper4j.training.Training;
import org.cooper4j.training.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The logs as listeners, and the snippets of their descriptions. */
class TrainingLogTest {
  @TempDir private Path folder;

  private static SimultaneousOptimizer<Integer> optimizer() {
    Constraint sum = new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(1));
    Constraint cap = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(2));
    Tensor xy = zeros(2).requires_grad_(true);
    var problem =
        ConstrainedMinimizationProblem.<Integer>of(
            Map.of("sum", sum, "cap", cap),
            batch ->
                CMPState.of(xy.square().sum())
                    .observe(sum, xy.sum().sub(new Scalar(1)))
                    .observe(cap, xy.sub(new Scalar(0.75))));
    return new SimultaneousOptimizer<>(
        problem,
        new SGD(new TensorVector(xy), new SGDOptions(0.1)),
        new SGD(problem.dualParameters(), new SGDOptions(0.1)));
  }

  @Test
  void everyLogHasTheNumbersOfATrainingByTheirNames() throws IOException {
    Path csv = folder.resolve("log.csv");
    Path json = folder.resolve("log.jsonl");
    Path run = folder.resolve("runs").resolve("first");
    Path picture = folder.resolve("training.svg");
    History history = new History(10);
    TrainingListener measure =
        new TrainingListener() {
          @Override
          public void step(Training training, RollOut rollOut) {
            if (training.step() == 20) {
              training.publish(Map.of("validation/loss", 0.5));
            }
          }
        };
    try (var optimizer = optimizer();
        var board = new TensorBoard(run);
        var rows = new CsvLog(csv);
        var lines = new JsonLog(json)) {
      new Trainer<>(optimizer)
          .listen(history, board.every(10), rows.every(10), lines.every(10), measure)
          .fit(Collections.nCopies(40, 0), 1);
      Picture.of(history).smoothed(0.9).save(picture);
      board.image("training", 40, Picture.of(history).png());
    }
    List<String> written = Files.readAllLines(csv);
    assertThat(written.get(0).split(","))
        .containsExactlyInAnyOrder(
            "step",
            "loss",
            "violation/sum",
            "violation/cap/max",
            "violation/cap/mean",
            "multiplier/sum",
            "multiplier/cap/max",
            "multiplier/cap/mean",
            "max_violation",
            "validation/loss");
    assertThat(written).hasSize(6);
    assertThat(written.get(3)).startsWith("20,").endsWith(",0.5");
    assertThat(Files.readAllLines(json)).hasSize(5).first().asString().contains("\"loss\":0.");
    assertThat(picture).isNotEmptyFile();
  }

  @Test
  void everyWantsAtLeastOne() {
    try (CsvLog log = new CsvLog(folder.resolve("log.csv"))) {
      assertThatThrownBy(() -> log.every(0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("every 0 steps: expected at least 1");
    }
  }
}
