package org.cooper4j.training;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/** Puts the columns of a history into panels, by their names. */
final class TrainingPanels {
  private static final String MULTIPLIER = "multiplier";
  private static final String VIOLATION = "violation";
  private static final String PENALTY = "penalty";

  /** The names that constraints have before theirs. */
  private static final Set<String> KINDS = Set.of(MULTIPLIER, VIOLATION, PENALTY);

  private TrainingPanels() {}

  static Picture of(History history) {
    Map<String, Map<String, String>> columns = new LinkedHashMap<>();
    for (String name : history.names()) {
      String kind = kind(name);
      String label = KINDS.contains(kind) ? name.replaceFirst(kind + "/", "") : name;
      columns.computeIfAbsent(kind, unused -> new LinkedHashMap<>()).put(name, label);
    }
    Picture picture = new Picture();
    draw(picture, history, "Loss", columns.remove(Numbers.LOSS), Panel::positive);
    Map<String, String> multipliers = columns.remove(MULTIPLIER);
    Map<String, String> violations = columns.remove(VIOLATION);
    Map<String, String> largest = columns.remove(Numbers.MAX_VIOLATION);
    Map<String, String> penalties = columns.remove(PENALTY);
    columns.forEach((kind, names) -> draw(picture, history, kind, names, panel -> panel));
    draw(picture, history, "Multipliers", multipliers, panel -> panel.level(0));
    draw(picture, history, "Penalty coefficients", penalties, panel -> panel);
    draw(picture, history, "Violations", violations, panel -> panel.level(0));
    draw(
        picture,
        history,
        "Feasibility",
        largest,
        panel -> panel.yLabel("largest violation").level(0).positive());
    return picture;
  }

  /** Which panel a column goes to: {@code validation/loss} to that of {@code loss}. */
  private static String kind(String name) {
    List<String> parts = Arrays.asList(name.split("/", -1));
    return parts.stream()
        .limit(2)
        .filter(KINDS::contains)
        .findFirst()
        .orElse(parts.get(parts.size() - 1));
  }

  private static void draw(
      Picture picture,
      History history,
      String title,
      Map<String, String> names,
      UnaryOperator<Panel> change) {
    if (names == null) {
      return;
    }
    Panel panel = change.apply(picture.panel(title).xLabel("step"));
    names.forEach(
        (name, label) -> {
          double[] steps = Arrays.stream(history.steps(name)).asDoubleStream().toArray();
          boolean alone = names.size() == 1 && label.equals(name);
          panel.line(alone ? null : label, steps, history.values(name));
        });
  }
}
