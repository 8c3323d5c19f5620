package org.cooper4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.Python;
import org.cooper4j.checkpoint.CheckpointException;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.data.Batch;
import org.cooper4j.data.TensorDataset;
import org.cooper4j.optim.NotFiniteException;
import org.cooper4j.optim.RollOut;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResumeTest {
  private static final long EPOCHS = 3;

  @TempDir Path folder;

  /** Everything at the end of a run, before the best iterate is restored. */
  private static Map<String, Object> fit(
      Run run, Iterable<Batch> batches, TrainingListener... more) {
    List<Map<String, Object>> last = new ArrayList<>();
    run.trainer.listen(lastState(last)).listen(more);
    run.withAll();
    run.trainer.fit(batches, EPOCHS);
    return last.get(0);
  }

  private static TrainingListener lastState(List<Map<String, Object>> last) {
    return new TrainingListener() {
      @Override
      public void end(Training training) {
        last.clear();
        last.add(StateDict.copyOf(training.stateDict()));
      }
    };
  }

  private static TrainingListener stopAt(long step) {
    return new TrainingListener() {
      @Override
      public void step(Training training, RollOut rollOut) {
        if (training.step() == step) {
          training.stop("enough");
        }
      }
    };
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 3, 4, 6, 7, 11, 12, 17, 18})
  void aResumedRunEqualsAnUninterruptedOneBitForBit(long step) {
    Run whole = new Run(0);
    Map<String, Object> expected = fit(whole, whole.loader);

    Run first = new Run(0);
    fit(first, first.loader, new Checkpoints(folder), stopAt(step));
    assertThat(first.trainer.training().step()).isEqualTo(step);
    Run second = new Run(99);
    Map<String, Object> actual = fit(second, second.loader, new Checkpoints(folder));

    assertThat(second.trainer.training().step()).isEqualTo(EPOCHS * Run.BATCHES);
    States.assertEqual(actual, expected);
    States.assertEqual(StateDict.of(second.model), StateDict.of(whole.model));
  }

  @Test
  void variablesThatAreNotFiniteAreNotSaved() {
    Run run = new Run(0);
    TrainingListener poison =
        new TrainingListener() {
          @Override
          public void step(Training training, RollOut rollOut) {
            if (training.step() == 3) {
              try (NoGradGuard noGrad = new NoGradGuard()) {
                run.model.parameters().get(0).fill_(new Scalar(Double.NaN));
              }
            }
          }
        };
    Checkpoints checkpoints = new Checkpoints(folder).everySteps(1);
    assertThatThrownBy(() -> run.trainer.listen(poison, checkpoints).fit(run.loader, 1))
        .isInstanceOf(NotFiniteException.class);
    assertThat(checkpoints.files()).last().asString().endsWith("step-000000002.pt");
  }

  /** Its order is drawn from LibTorch's own generator, as users' iterables do. */
  private static Iterable<Batch> shuffled(TensorDataset data) {
    return () -> {
      Tensor order = torch.randperm(Run.ROWS);
      List<Batch> batches = new ArrayList<>();
      for (long row = 0; row < Run.ROWS; row += 2) {
        Tensor rows = order.slice(0, new LongOptional(row), new LongOptional(row + 2), 1);
        batches.add(
            new Batch(data.inputs().index_select(0, rows), data.targets().index_select(0, rows)));
      }
      return batches.iterator();
    };
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 7, 11, 15})
  void anyIterableGoesOnByCount(long step) {
    Run whole = new Run(0);
    Map<String, Object> expected = fit(whole, shuffled(Run.data()));
    Run first = new Run(0);
    fit(first, shuffled(Run.data()), new Checkpoints(folder), stopAt(step));
    Run second = new Run(99);
    States.assertEqual(fit(second, shuffled(Run.data()), new Checkpoints(folder)), expected);
  }

  @Test
  void aRunThatWasPutBackToItsStartDrawsTheSameBatches() {
    Run whole = new Run(0);
    whole.trainer.fit(whole.loader, 1);
    Run run = new Run(0);
    Map<String, Object> start = StateDict.copyOf(run.trainer.training().stateDict());
    start.put("loader_state_dict", run.loader.stateDict());
    run.trainer.fit(run.loader, 2);
    run.trainer.training().loadStateDict(start);
    run.trainer.fit(run.loader, 1);
    States.assertEqual(StateDict.of(run.model), StateDict.of(whole.model));
  }

  @Test
  void aRunGoesOnWithoutAFileToo() {
    Run whole = new Run(0);
    whole.trainer.fit(whole.loader, 3);
    Run parts = new Run(0);
    parts.trainer.fitSteps(parts.loader, 4);
    parts.trainer.fitSteps(parts.loader, 4); // done already
    assertThat(parts.trainer.training().batch()).isEqualTo(4);
    parts.trainer.fit(parts.loader, 2);
    assertThat(parts.trainer.training().epoch()).isEqualTo(2);
    parts.trainer.fitSteps(parts.loader, 3 * Run.BATCHES);
    States.assertEqual(parts.trainer.training().stateDict(), whole.trainer.training().stateDict());
  }

  @Test
  void whatARollThrowsLeavesACheckpointAndComesOut() {
    Run whole = new Run(0);
    Map<String, Object> expected = fit(whole, whole.loader);
    Run failing = new Run(0);
    failing.problem.failAt = 27; // of the tenth step, as validations count, too
    assertThatThrownBy(() -> fit(failing, failing.loader, new Checkpoints(folder)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the data ended");
    long step = failing.trainer.training().step();
    assertThat(step).isEqualTo(9);
    assertThat(new Checkpoints(folder).files().toString()).contains("step-%09d.pt".formatted(step));
    Run second = new Run(99);
    States.assertEqual(fit(second, second.loader, new Checkpoints(folder)), expected);
  }

  @Test
  void aListenerThatThrowsBetweenTwoOthersLeavesNoHalfState() {
    Run run = new Run(0);
    Checkpoints checkpoints = new Checkpoints(folder);
    run.trainer.listen(
        checkpoints,
        Run.everyStep(
            training -> {
              if (training.step() == 8) {
                throw new IllegalStateException("of a listener");
              }
            }));
    assertThatThrownBy(() -> run.trainer.fit(run.loader, 3)).hasMessage("of a listener");
    assertThat(checkpoints.files()).hasSize(1).first().asString().endsWith("step-000000006.pt");
  }

  @Test
  void theLastFilesAreKeptAndADamagedOneIsPassedOver() throws IOException {
    Run run = new Run(0);
    Checkpoints checkpoints = new Checkpoints(folder).everySteps(4).keep(3);
    run.trainer.listen(checkpoints).fit(run.loader, 2);
    assertThat(checkpoints.files())
        .containsExactly("step-000000006.pt", "step-000000008.pt", "step-000000012.pt");
    Path last = folder.resolve("step-000000012.pt");
    byte[] bytes = Files.readAllBytes(last);
    Files.write(last, Arrays.copyOf(bytes, bytes.length / 2));

    Run second = new Run(99);
    long[] from = {-1};
    second.trainer.listen(
        new TrainingListener() {
          @Override
          public void start(Training training) {
            from[0] = training.step();
          }
        },
        new Checkpoints(folder).keep(3));
    second.trainer.fit(second.loader, 2);
    assertThat(from[0]).isEqualTo(8);
    States.assertEqual(StateDict.of(second.model), StateDict.of(run.model));

    for (String file : checkpoints.files()) {
      Files.write(folder.resolve(file), new byte[100]);
    }
    assertThatThrownBy(() -> new Run(1).trainer.listen(new Checkpoints(folder)).fitSteps(1))
        .isInstanceOf(CheckpointException.class);
  }

  @Test
  void aCheckpointOfAnotherTrainingChangesNothing() {
    Run run = new Run(0);
    run.trainer.listen(new Checkpoints(folder)).fit(run.loader, 1);
    Run other = new Run(1);
    Trainer<Batch> trainer =
        new Trainer<>(other.optimizer).module("net", other.model).listen(new Checkpoints(folder));
    Map<String, Object> before = StateDict.copyOf(trainer.training().stateDict());
    assertThatThrownBy(() -> trainer.fit(other.loader, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("step-000000006.pt", "net_state_dict", "choose another folder");
    Map<String, Object> after = trainer.training().stateDict();
    after.remove("loader_state_dict"); // which it did not know before fit
    States.assertEqual(after, before);
  }

  @Test
  void aVariableWithoutANameIsNamedBeforeTheFirstStep() {
    Run run = new Run(0);
    Trainer<Batch> trainer = new Trainer<>(run.optimizer).listen(new Checkpoints(folder));
    assertThatThrownBy(() -> trainer.fit(run.loader, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll("float32[8, 3]", "module(name, module)");
    assertThat(trainer.training().step()).isZero();
  }

  @Test
  void anEarlyStopStaysOneWhenItIsResumed() {
    for (int i = 0; i < 2; i++) {
      Run run = new Run(i);
      EarlyStopping early = EarlyStopping.when(training -> training.step() == 4, "four");
      Training end = run.trainer.listen(early, new Checkpoints(folder)).fit(run.loader, 2);
      assertThat(end.step()).isEqualTo(4);
      assertThat(end.stopReason()).contains("four");
    }
  }

  @Test
  void anInterruptStopsTheRunAndIsKept() {
    Run run = new Run(0);
    Checkpoints checkpoints = new Checkpoints(folder);
    run.trainer.listen(
        checkpoints,
        new TrainingListener() {
          @Override
          public void step(Training training, RollOut rollOut) {
            Thread.currentThread().interrupt();
          }

          @Override
          public void end(Training training) {
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
          }
        });
    Training end = run.trainer.fit(run.loader, 2);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(end.stopReason()).contains("interrupted");
    assertThat(checkpoints.files()).hasSize(1);
  }

  /** What the forked JVM runs: the eighth step waits for a signal, or ends the JVM itself. */
  static final class Forked {
    public static void main(String[] arguments) {
      boolean exits = arguments.length > 1;
      Run run = new Run(0);
      run.trainer.listen(
          new Checkpoints(Path.of(arguments[0])),
          new TrainingListener() {
            @Override
            public void step(Training training, RollOut rollOut) {
              if (training.step() == 8) {
                System.out.println("now");
                if (exits) {
                  System.exit(3);
                }
                while (training.stopReason().isEmpty()) {
                  Thread.onSpinWait();
                }
              }
            }
          });
      run.withAll();
      run.trainer.fit(run.loader, EPOCHS);
    }
  }

  private Process fork(String... more) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Forked.class.getName(),
                folder.toString()));
    command.addAll(List.of(more));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "a process there cannot be asked to end")
  void whatEndsTheProcessWritesACheckpointFromWhichTheRunGoesOn() throws Exception {
    // Not -INT, which does the same, but is ignored by who was started in the background.
    Process process = fork();
    try (var out = process.inputReader()) {
      assertThat(out.readLine()).isEqualTo("now");
      new ProcessBuilder("kill", "-TERM", Long.toString(process.pid())).start().waitFor();
      assertThat(process.waitFor()).isEqualTo(128 + 15);
    } finally {
      process.destroyForcibly();
    }
    assertThat(new Checkpoints(folder).files().toString()).contains("step-000000008.pt");
    Run whole = new Run(0);
    Map<String, Object> expected = fit(whole, whole.loader);
    Run second = new Run(99);
    States.assertEqual(fit(second, second.loader, new Checkpoints(folder)), expected);
  }

  @Test
  void theJvmDoesNotWaitForAStepThatHangs() {
    Run run = new Run(0);
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream before = System.err;
    run.trainer.listen(
        Run.everyStep(
            training -> {
              System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
              try {
                new Checkpoints.Cancel(training, new Thread("trainer"), Duration.ofMillis(1)).run();
              } finally {
                System.setErr(before);
              }
            }));
    assertThat(run.trainer.fit(run.loader, 1).stopReason()).contains("the JVM is shutting down");
    assertThat(err.toString(StandardCharsets.UTF_8))
        .startsWith("cooper4j: step 2 has not ended 0 s after the JVM was asked to end");
  }

  @Test
  void twoTrainingsThatRunDoNotSaveToOneFolder() {
    Run run = new Run(0);
    Run second = new Run(0);
    second.trainer.listen(new Checkpoints(folder.resolve("../" + folder.getFileName())));
    run.trainer.listen(
        new Checkpoints(folder), Run.everyStep(training -> second.trainer.fit(second.loader, 1)));
    assertThatThrownBy(() -> run.trainer.fit(run.loader, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("a training that runs writes there already");
    second.trainer.fit(second.loader, 1);
    assertThat(new Checkpoints(folder).files()).hasSize(1);
  }

  @Test
  void aFolderWhereNothingCanBeWrittenIsRefusedAtOnce() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    for (Path path : List.of(file, file.resolve("within"))) {
      Run run = new Run(0);
      run.trainer.listen(new Checkpoints(path));
      assertThatThrownBy(() -> run.trainer.fit(run.loader, 1))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageStartingWith(path + ": nothing can be written there");
    }
  }

  @Test
  void aListenerMayEndTheJvm() throws Exception {
    assertThat(fork("exit").waitFor()).isEqualTo(3);
  }

  @Test
  void pythonsStockLoaderReadsACheckpoint() throws Exception {
    Python.require();
    Run run = new Run(0).withAll();
    Checkpoints checkpoints = new Checkpoints(folder);
    run.trainer.listen(checkpoints).fitSteps(run.loader, 8);
    String file = checkpoints.files().get(checkpoints.files().size() - 1);
    Python.run("read_training.py", folder.resolve(file));
  }
}
