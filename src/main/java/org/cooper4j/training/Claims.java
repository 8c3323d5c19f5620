package org.cooper4j.training;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** What the listeners of a training have for themselves while it runs. */
final class Claims {
  private final List<Claim> taken = new ArrayList<>();

  private Claims() {}

  /**
   * Takes what the listeners claim.
   *
   * @param writes whether a listener writes to its places; of several processes one may do it
   * @throws IllegalStateException if two claim the same, or another training that runs has a place
   * @throws java.io.UncheckedIOException if nothing can be written to a place
   */
  static Claims of(List<TrainingListener> listeners, Predicate<TrainingListener> writes) {
    Map<Object, TrainingListener> owners = new HashMap<>();
    List<Path> paths = new ArrayList<>();
    for (TrainingListener listener : listeners) {
      for (Object claim : listener.claims()) {
        Object what = claim instanceof Path path ? Claim.place(path) : claim;
        TrainingListener other = owners.putIfAbsent(what, listener);
        if (claim instanceof Path path && writes.test(listener)) {
          paths.add(path);
        }
        if (other != null) {
          throw new IllegalStateException(
              "%s is claimed by two listeners of this training, %s and %s; give each its own, or leave one out"
                  .formatted(described(claim), name(other), name(listener)));
        }
      }
    }
    Claims claims = new Claims();
    try {
      paths.forEach(path -> claims.taken.add(Claim.take(path)));
    } catch (RuntimeException e) {
      claims.giveBack();
      throw e;
    }
    return claims;
  }

  void giveBack() {
    taken.forEach(Claim::giveBack);
  }

  private static String described(Object claim) {
    if (claim instanceof String text) {
      return text;
    }
    return claim instanceof Path path
        ? "'" + path + "'"
        : "the " + claim.getClass().getSimpleName() + " " + claim;
  }

  private static String name(TrainingListener listener) {
    return listener.getClass().getSimpleName();
  }
}
