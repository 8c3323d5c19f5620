package org.cooper4j.examples;

import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.cooper4j.training.History;
import org.cooper4j.training.Picture;

/** A history under the names of Cooper's tutorial, and its picture. */
record MnistReport(History history) {
  /** The name in Python, that in the history, and the panel's. */
  static final String[][] COLUMNS = {
    {"train_loss", "loss", "Training Loss"},
    {"train_acc", "accuracy", "Training Acc"},
    {"multiplier_value", "multiplier/norm_constraint", "Inequality Multiplier"},
    {"constraint_violation", "violation/norm_constraint", "Inequality Defect"}
  };

  /** {@code all_metrics}, as Python has them. */
  Map<String, List<?>> allMetrics() {
    Map<String, List<?>> all = new LinkedHashMap<>();
    long[] batches = isEmpty() ? new long[0] : history.steps("loss");
    all.put("batch_ix", Arrays.stream(batches).boxed().toList());
    for (String[] column : COLUMNS) {
      all.put(column[0], Arrays.stream(values(column[1])).boxed().toList());
    }
    return all;
  }

  private boolean isEmpty() {
    return history.names().isEmpty(); // fewer steps than are recorded
  }

  private double[] values(String name) {
    return isEmpty() ? new double[0] : history.values(name);
  }

  void save(Path folder, double testAccuracy) throws IOException {
    Map<String, Object> metrics = new LinkedHashMap<>();
    metrics.put("all_metrics", allMetrics());
    metrics.put("test_accuracy", testAccuracy);
    var gson = new GsonBuilder().setPrettyPrinting().serializeSpecialFloatingPointValues();
    Files.writeString(folder.resolve("metrics.json"), gson.create().toJson(metrics));

    Picture picture = new Picture().columns(COLUMNS.length);
    long[] batches = isEmpty() ? new long[0] : history.steps("loss");
    for (String[] column : COLUMNS) {
      var panel = picture.panel(column[2]).xLabel("Batch");
      panel.line(Values.of(batches), values(column[1]));
      if (column[1].startsWith("violation")) {
        panel.level(0); // shows that the defect converges close to zero
      }
    }
    picture.save(folder.resolve("training.png"));
  }
}
