package org.cooper4j.distributed;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;

/** Two ranks that are threads of this process. */
final class TwoRanks {
  private static final Duration TIMEOUT = Duration.ofSeconds(60);

  private TwoRanks() {}

  /** What both return. */
  static <T> List<T> run(Function<ProcessGroup, T> rank) {
    CompletableFuture<Integer> port = new CompletableFuture<>();
    CompletableFuture<T> second =
        CompletableFuture.supplyAsync(
            () -> {
              try (var group = ProcessGroup.gloo("127.0.0.1", port.join(), 1, 2, TIMEOUT)) {
                return rank.apply(group);
              }
            });
    try (var group = ProcessGroup.gloo("127.0.0.1", 0, 0, 2, TIMEOUT, port::complete)) {
      T first = rank.apply(group);
      return List.of(first, second.join());
    }
  }

  /** What both throw, by class and message; empty of one that throws nothing. */
  static List<String> errors(Consumer<ProcessGroup> rank) {
    return run(
        group -> {
          try {
            rank.accept(group);
            return "";
          } catch (RuntimeException e) {
            return e.getClass().getSimpleName() + ": " + e.getMessage();
          }
        });
  }
}
