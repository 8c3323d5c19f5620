package org.cooper4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.optim.ScheduledValue;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;
import org.cooper4j.training.log.CsvLog;
import org.cooper4j.training.log.JsonLog;
import org.cooper4j.training.log.TensorBoard;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Two listeners that would undo or double each other's work. */
class ClaimsTest {
  @TempDir Path folder;

  private void refuses(String message, TrainingListener... listeners) {
    Run run = new Run(0);
    run.trainer.listen(listeners);
    assertThatThrownBy(() -> run.trainer.fit(run.loader, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("two listeners of this training");
    assertThat(run.trainer.training().step()).isZero();
  }

  private static void takes(TrainingListener... listeners) {
    Run run = new Run(0);
    assertThat(run.trainer.listen(listeners).fit(run.loader, 1).step()).isEqualTo(Run.BATCHES);
  }

  private static Validation<Double> validation() {
    return new Validation<>(training -> Map.of("accuracy", 0.5));
  }

  @Test
  void validationsOfOneNameAreRefused() {
    refuses("the name 'validation' is claimed by", validation(), validation().everySteps(3));
    takes(validation(), validation().named("test"));
  }

  @Test
  void aValidationDoesNotTakeTheTrainingsPlaceInItsLoader() {
    Run run = new Run(0);
    run.trainer.listen(new Validation<>(run.problem, run.loader).everySteps(4));
    assertThatThrownBy(() -> run.trainer.fit(run.loader, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("give it a loader of its own");
    Run atEnds = new Run(0);
    atEnds.trainer.listen(new Validation<>(atEnds.problem, atEnds.loader));
    assertThat(atEnds.trainer.fit(atEnds.loader, 2).step()).isEqualTo(2 * Run.BATCHES);
  }

  @Test
  void aBlankNameIsRefused() {
    assertThatThrownBy(() -> validation().named(" ")).hasMessageContaining("blank");
    assertThatThrownBy(() -> new BestFeasible("")).hasMessageContaining("blank");
    assertThatThrownBy(() -> EarlyStopping.feasiblePlateau(1).of("")).hasMessageContaining("blank");
  }

  @Test
  void writersOfOneFileOrFolderAreRefusedHoweverItIsSpelt() {
    Path file = folder.resolve("numbers");
    try (CsvLog table = new CsvLog(file);
        CsvLog same = new CsvLog(folder.resolve("..").resolve(folder.getFileName() + "/numbers"));
        TensorBoard board = new TensorBoard(folder);
        TensorBoard another = new TensorBoard(folder.resolve("."))) {
      refuses(
          "numbers' is claimed by two listeners of this training, CsvLog and CsvLog", table, same);
      refuses("CsvLog and CooperCheckpoint", table, new CooperCheckpoint(file, new History()));
      refuses("TensorBoard and TensorBoard", board, another);
      refuses("Checkpoints and Checkpoints", new Checkpoints(folder), new Checkpoints(folder));
      takes(table, board, new Checkpoints(folder));
    }
    assertThat(folder.resolve(".lock")).doesNotExist();
    assertThat(folder.resolve(".numbers.lock")).doesNotExist();
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "a link there needs a privilege")
  void aLinkIsTheFileThatItNames() throws IOException {
    Path file = folder.resolve("numbers");
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    try (CsvLog table = new CsvLog(file);
        CsvLog linked = new CsvLog(link)) {
      refuses("is claimed by", table, linked);
    }
  }

  @Test
  void anotherTrainingThatRunsDoesNotWriteToTheFile() {
    Path file = folder.resolve("numbers.jsonl");
    try (JsonLog log = new JsonLog(file);
        JsonLog same = new JsonLog(file)) {
      Run run = new Run(0);
      run.trainer.listen(
          log,
          Run.everyStep(
              training -> {
                Run other = new Run(0);
                other.trainer.listen(same);
                assertThatThrownBy(() -> other.trainer.fit(other.loader, 1))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith(file + ": a training that runs writes there already");
              }));
      run.trainer.fit(run.loader, 1);
      takes(same);
    }
  }

  @Test
  void whatIsPutBackOrSteppedIsSoOnce() {
    ScheduledValue value = new ScheduledValue(1, (base, epoch) -> base);
    var updater = new MultiplicativePenaltyCoefficientUpdater();
    PrintStream terminal = System.err;
    refuses("put back at the end", new BestFeasible(), new BestFeasible());
    refuses("put back at NaN", new StopOnNaN(2), new StopOnNaN(3));
    refuses("the terminal", new ProgressBar(terminal), new ProgressBar(terminal));
    refuses("the ScheduledValue", Stepped.everyEpoch(value), Stepped.everySteps(2, value));
    refuses("Updater", Stepped.everyEpoch(updater), Stepped.everySteps(2, updater));
    takes(
        Stepped.everyEpoch(value),
        Stepped.everyEpoch(new ScheduledValue(1, (base, epoch) -> base)),
        EarlyStopping.kktResidual(1e-9),
        EarlyStopping.feasiblePlateau(100));
  }

  @Test
  void aListenerOfOnesOwnClaims() {
    record Meter() implements TrainingListener {
      @Override
      public Set<?> claims() {
        return Set.of("the meter");
      }
    }
    refuses("the meter is claimed by", new Meter(), new Meter());
    takes(new Meter());
  }

  @Test
  void twoFoldersResumeFromTheNewerCheckpointInEitherOrder() {
    for (boolean firstIsNewer : new boolean[] {false, true}) {
      Path first = folder.resolve("first" + firstIsNewer);
      Path second = folder.resolve("second" + firstIsNewer);
      Run older = new Run(0);
      older.trainer.listen(new Checkpoints(firstIsNewer ? second : first));
      older.trainer.fitSteps(older.loader, 4);
      Run newer = new Run(0);
      newer.trainer.listen(new Checkpoints(firstIsNewer ? first : second));
      newer.trainer.fitSteps(newer.loader, 9);
      Run both = new Run(1);
      both.trainer.listen(new Checkpoints(first), new Checkpoints(second));
      both.trainer.fitSteps(both.loader, 0);
      assertThat(both.trainer.training().step()).isEqualTo(9);
      States.assertEqual(both.trainer.training().stateDict(), newer.trainer.training().stateDict());
    }
  }

  @Test
  void aMiscOfAnotherNumbersNameIsRefused() {
    Tensor x = torch.zeros(2).requires_grad_(true);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            batch -> CMPState.of(x.square().sum()).misc("loss", 1.0));
    try (var optimizer =
        new UnconstrainedOptimizer<>(
            problem, new Adam(new TensorVector(x), new AdamOptions(0.1)))) {
      assertThatThrownBy(() -> new Trainer<>(optimizer).listen(new History()).fitSteps(1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("misc 'loss'");
    }
  }
}
