package org.cooper4j.training;

import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** The measurements that a listener judges by: the rolls' own, or those of a name. */
final class Source {
  private static final String LOSS = "/loss";

  final String name;
  private final TreeSet<String> others = new TreeSet<>();
  private boolean heard;

  /** The rolls' own. */
  Source() {
    this("");
  }

  Source(String name) {
    this.name = name;
  }

  boolean isRolls() {
    return name.isEmpty();
  }

  void hear(Map<String, Double> numbers) {
    for (String key : numbers.keySet()) {
      if (key.endsWith(LOSS)) {
        String from = key.substring(0, key.length() - LOSS.length());
        heard |= from.equals(name);
        others.add(from);
      }
    }
  }

  /**
   * To be asked when whole epochs are over: a name that nobody has would be waited for in silence.
   *
   * @throws IllegalStateException if it was not heard, and no {@link Validation} has it
   */
  void requireHeard(TrainingListener listener, List<TrainingListener> all) {
    boolean toCome =
        all.stream().anyMatch(l -> l instanceof Validation<?> validation && validation.is(name));
    if (!isRolls() && !heard && !toCome) {
      throw new IllegalStateException(
          listener.getClass().getSimpleName()
              + " judges by '"
              + name
              + "/loss', which nobody measured; "
              + (others.isEmpty()
                  ? "add a Validation of that name"
                  : "there are " + others + ": give it one of these names"));
    }
  }
}
