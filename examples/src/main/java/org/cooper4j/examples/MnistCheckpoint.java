package org.cooper4j.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.CheckpointException;
import org.cooper4j.training.History;
import org.cooper4j.training.Training;
import org.cooper4j.training.TrainingListener;

/** Saves each epoch as Cooper's tutorial does in Python, and goes on from such a file. */
final class MnistCheckpoint implements TrainingListener {
  private static final List<String> PARTS =
      List.of("model_state_dict", "cmp_state_dict", "cooper_optimizer_state_dict");

  private final MnistOptions options;
  private final History history;
  private long epochStart;

  MnistCheckpoint(MnistOptions options, History history) {
    this.options = options;
    this.history = history;
  }

  @Override
  public void start(Training training) {
    if (Files.exists(options.checkpoint())) {
      try {
        resume(training, Checkpoint.load(options.checkpoint()));
      } catch (CheckpointException | IllegalArgumentException e) {
        String where = e instanceof CheckpointException ? "" : options.checkpoint() + ": ";
        String problem = "cannot resume: " + where + e.getMessage();
        throw new UncheckedIOException(
            problem + "; remove it or choose another --out", new IOException(e));
      }
      System.out.printf("resumed from %s after epoch %d%n", options.checkpoint(), training.epoch());
    }
    epochStart = System.nanoTime();
  }

  private void resume(Training training, Checkpoint checkpoint) {
    long steps = checkpoint.integer("batch_ix");
    long epochs = checkpoint.integer("epoch") + 1;
    long each = training.batches().getAsLong();
    if (steps != epochs * each) {
      throw new IllegalArgumentException(
          "batch_ix: expected %d batches in each of %d epochs, found %d in all"
              .formatted(each, epochs, steps));
    }
    Map<String, Object> state = new LinkedHashMap<>(checkpoint.asMap());
    state.putAll(Map.of("epoch", epochs, "step", steps, "batch", 0L));
    training.loadStateDict(state);

    Checkpoint saved = checkpoint.map("all_metrics");
    int records = saved.list("batch_ix").size();
    for (String[] column : MnistReport.COLUMNS) {
      for (int i = 0; i < records; i++) {
        double value = saved.at(column[0]).number(i);
        history.add(saved.at("batch_ix").integer(i), Map.of(column[1], value));
      }
    }
  }

  @Override
  public void epochEnd(Training training) {
    Map<String, Object> checkpoint = new LinkedHashMap<>();
    checkpoint.put("batch_ix", training.step());
    checkpoint.put("epoch", training.epoch());
    checkpoint.put("all_metrics", new MnistReport(history).allMetrics());
    Map<String, Object> state = training.stateDict();
    PARTS.forEach(part -> checkpoint.put(part, state.get(part)));
    Checkpoint.save(options.checkpoint(), checkpoint);

    long now = System.nanoTime();
    System.out.printf(
        Locale.ROOT,
        "epoch %d/%d  %d batches  loss %.4f  violation %+.4f  %.0f/s%n",
        training.epoch() + 1,
        options.epochs,
        training.batch(),
        training.values().loss().getAsDouble(),
        training.numbers().get("violation/norm_constraint"),
        training.batch() / ((now - epochStart) / 1e9));
    epochStart = now;
  }
}
