package org.cooper4j.golden;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.EveryDevice;
import org.cooper4j.Python;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.SafeTensors;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.golden.GoldenFile.Case;
import org.cooper4j.internal.Document;
import org.cooper4j.internal.Tensors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The live exchange with Python; src/test/python/exchange.py tells its half. */
@EveryDevice
@Tag("python")
class ExchangeTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final Path SAMPLES = Path.of("src/test/resources/checkpoints/good");

  @TempDir Path folder;

  @BeforeEach
  void needsPython() {
    Python.require();
  }

  @Test
  void aRunThatGoesOnInJavaAndEndsInPythonEqualsAnUninterruptedOne() throws Exception {
    Python.run("exchange.py", "start", GOLDEN, folder);
    for (Case golden : GoldenFile.cases("exchange", Case.class)) {
      try (PointerScope variables = new PointerScope()) {
        goOn(golden);
      }
    }
    Python.run("exchange.py", "finish", GOLDEN, folder);
  }

  private void goOn(Case golden) {
    GoldenRun run = new GoldenRun(golden, ScalarType.Double);
    Checkpoint start = Checkpoint.load(folder.resolve(golden.name() + ".start.pt"));
    Checkpoint model = start.map("model_state_dict");
    run.problem().primal().forEach((name, x) -> Tensors.copyInto(x, model.tensor(name)));
    run.problem().loadStateDict(start.map("cmp_state_dict").asMap());
    run.cooper().loadStateDict(start.map("cooper_optimizer_state_dict").asMap());

    int step = (int) start.integer("step");
    int end = 2 * step;
    while (step < end) {
      run.step(step++);
    }

    StateDict primal = new StateDict();
    run.problem().primal().forEach((name, x) -> primal.put(name, x.detach()));
    Map<String, Object> checkpoint = new LinkedHashMap<>();
    checkpoint.put("model_state_dict", primal);
    checkpoint.put("cmp_state_dict", run.problem().stateDict());
    checkpoint.put("cooper_optimizer_state_dict", run.cooper().stateDict());
    checkpoint.put("step", step);
    Checkpoint.save(folder.resolve(golden.name() + ".java.pt"), checkpoint);
  }

  @Test
  void stockTorchAndSafetensorsReadWhatTheNativeLayerWrites() throws Exception {
    try (Stream<Path> samples = Files.list(SAMPLES)) {
      for (Path sample : samples.filter(path -> path.toString().endsWith(".pt")).toList()) {
        byte[] copy = folder.resolve(sample.getFileName()).toString().getBytes(UTF_8);
        try (Document document = new Document()) {
          document.load(sample.toString().getBytes(UTF_8), new byte[0], false);
          document.save(copy, document.root());
        }
      }
    }
    SafeTensors.load(SAMPLES.resolve("weights.safetensors"))
        .save(folder.resolve("weights.safetensors"));
    Python.run("checkpoint_samples.py", "check", folder);
  }
}
