package org.cooper4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayOutputStream;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.CheckpointException;
import org.cooper4j.checkpoint.LoadOptions;
import org.cooper4j.checkpoint.StateDict;
import org.junit.jupiter.api.Test;

/** Checkpoints that are kept elsewhere than in a folder of this machine. */
class CheckpointFolderTest {
  private static final class Memory implements CheckpointFolder {
    final Map<String, byte[]> files = new HashMap<>(Map.of("notes.txt", new byte[1]));

    @Override
    public Collection<String> names() {
      return files.keySet();
    }

    @Override
    public Map<String, Object> load(String name) {
      if (files.get(name) == null) {
        throw new CheckpointException(name + ": is gone", null);
      }
      return Checkpoint.load(files.get(name), new LoadOptions()).asMap();
    }

    @Override
    public void save(String name, Map<String, ?> state) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      Checkpoint.save(out, state);
      files.put(name, out.toByteArray());
    }

    @Override
    public void delete(String name) {
      files.remove(name);
    }

    @Override
    public String toString() {
      return "memory";
    }
  }

  private final Memory folder = new Memory();

  @Test
  void aRunGoesOnFromThere() {
    Run whole = new Run(0);
    whole.trainer.fit(whole.loader, 3);
    Run first = new Run(0);
    first.trainer.listen(new Checkpoints(folder).everySteps(4)).fitSteps(first.loader, 11);
    assertThat(folder.files)
        .containsOnlyKeys("notes.txt", "step-000000008.pt", "step-000000011.pt");
    Run second = new Run(99);
    second.trainer.listen(new Checkpoints(folder)).fit(second.loader, 3);
    States.assertEqual(StateDict.of(second.model), StateDict.of(whole.model));
    assertThat(new Checkpoints(folder).files())
        .containsExactly("step-000000012.pt", "step-000000018.pt");
  }

  @Test
  void aFileThatIsListedButGoneIsPassedOver() {
    Run first = new Run(0);
    first.trainer.listen(new Checkpoints(folder)).fit(first.loader, 2);
    folder.files.put("step-000000015.pt", null);
    Run second = new Run(1);
    second.trainer.listen(new Checkpoints(folder)).fit(second.loader, 2);
    States.assertEqual(StateDict.of(second.model), StateDict.of(first.model));
  }

  @Test
  void anotherTrainingsNamesTheFolderTheFileAndTheKey() {
    folder.save("step-000000003.pt", Map.of("epoch", 0L, "step", 3L, "batch", 3L));
    Run run = new Run(0);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> run.trainer.listen(new Checkpoints(folder)).fit(run.loader, 1))
        .withMessageStartingWith("cannot resume: memory/step-000000003.pt: ")
        .withMessageContaining("_state_dict: expected a dict, found none");
  }
}
