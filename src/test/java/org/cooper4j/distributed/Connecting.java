package org.cooper4j.distributed;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** A rank that connects, adds up ones, and prints "sum" and what it got, or an error's message. */
final class Connecting {
  private Connecting() {}

  public static void main(String[] arguments) {
    String how = arguments[0];
    Duration timeout = Duration.ofMillis(Long.parseLong(arguments[1]));
    try {
      switch (how) {
        case "once" -> sum(ProcessGroup.fromEnvironment(timeout));
        case "interrupted" -> {
          Disturbed.interruptSoon(Thread.currentThread());
          sum(ProcessGroup.fromEnvironment(timeout));
        }
        case "twice" -> {
          int rank = Integer.parseInt(System.getenv("RANK"));
          List<CompletableFuture<Void>> both =
              List.of(Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3])).stream()
                  .map(
                      port ->
                          CompletableFuture.runAsync(
                              () -> sum(ProcessGroup.gloo("127.0.0.1", port, rank, 2, timeout))))
                  .toList();
          both.forEach(CompletableFuture::join);
        }
        default -> throw new IllegalArgumentException(how);
      }
    } catch (RuntimeException e) {
      System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
      System.exit(3);
    }
  }

  private static void sum(ProcessGroup connected) {
    try (ProcessGroup group = connected) {
      Tensor ones = torch.ones(1 << 16);
      System.out.println("sum " + group.sum(ones).mean().item_float());
      group.barrier();
    }
  }
}
