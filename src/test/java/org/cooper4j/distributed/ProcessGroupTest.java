package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.cooper4j.Devices.values;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.SizeTPointer;
import org.bytedeco.pytorch.EmbeddingImpl;
import org.bytedeco.pytorch.EmbeddingOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.ProcessGroupGloo;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.TCPStore;
import org.bytedeco.pytorch.TCPStoreOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch_gloo;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class ProcessGroupTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(60);

  @Test
  void aSumIsOfAllAndDifferentiable() {
    List<double[]> gradients =
        TwoRanks.run(
            group -> {
              Tensor x = Tensor.create(new double[] {group.rank() + 1}, 1).requires_grad_(true);
              Tensor sum = group.sum(x);
              assertThat(values(sum)).containsExactly(3);
              sum.square().mul(new Scalar(group.rank() + 1)).sum().backward();
              return values(x.grad());
            });
    // d/dx of (1 + 2) S² with S = 3.
    assertThat(gradients).containsExactly(new double[] {18}, new double[] {18});
  }

  @Test
  void rowsAreGatheredInTheOrderOfRanks() {
    TwoRanks.run(
        group -> {
          Tensor rows = torch.full(new long[] {2L - 2 * group.rank(), 2}, new Scalar(7));
          assertThat(group.allGather(rows).sizes().vec().get()).containsExactly(2, 2);
          Tensor numbers = Tensor.create(new long[group.rank() + 1], group.rank() + 1);
          assertThat(group.allGather(numbers).size(0)).isEqualTo(3);
          return 0;
        });
  }

  @Test
  void aBroadcastOverwritesModelsWithTheFirstOnes() {
    List<double[]> weights =
        TwoRanks.run(
            group -> {
              LinearImpl model = new LinearImpl(2, 1);
              try (NoGradGuard noGrad = new NoGradGuard()) {
                model.weight().fill_(new Scalar(group.rank() + 5.0));
              }
              group.broadcast(model);
              group.barrier();
              return values(model.weight());
            });
    assertThat(weights).containsExactly(new double[] {5, 5}, new double[] {5, 5});
  }

  @Test
  void bytesAreBroadcastAndGathered() {
    TwoRanks.run(
        group -> {
          byte[] own = group.rank() == 0 ? new byte[] {1, -2} : new byte[] {3};
          assertThat(group.broadcast(own)).containsExactly(1, -2);
          assertThat(group.allGather(own)).containsExactly(new byte[] {1, -2}, new byte[] {3});
          assertThat(group.broadcast(group.rank() == 0 ? own : null)).containsExactly(1, -2);
          assertThat(group.broadcast(new byte[group.rank()])).isEmpty();
          assertThat(group.allGather(new byte[0])).containsExactly(new byte[0], new byte[0]);
          return 0;
        });
  }

  @Test
  void whatAProcessFailsOfOutsideOfRollsTheOtherIsTold() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              if (group.rank() == 1) {
                group.fail(new IllegalStateException("the disk is full\nof files"));
                throw new IllegalStateException("the disk is full");
              }
              group.barrier();
            });
    assertThat(errors.get(0))
        .isEqualTo(
            "ProcessGroupException: the process group has ended: rank 1 failed:"
                + " IllegalStateException: the disk is full");
  }

  @Test
  void whoFailsWithoutAReasonIsNamedAllTheSame() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              if (group.rank() == 1) {
                group.fail(null);
              } else {
                group.barrier();
              }
            });
    assertThat(errors.get(0)).contains("rank 1 failed: it gave no reason");
    assertThat(errors.get(1)).isEmpty();
  }

  @Test
  void ofTwoThreadsInOneGroupTheLaterIsRefusedAndTheGroupGoesOn() {
    CompletableFuture<Throwable> refused = new CompletableFuture<>();
    TwoRanks.run(
        group -> {
          if (group.rank() == 1) {
            refused.join();
            group.barrier();
          } else {
            Runnable call =
                () -> {
                  try {
                    group.barrier();
                  } catch (IllegalStateException e) {
                    refused.complete(e);
                  }
                };
            CompletableFuture.allOf(
                    CompletableFuture.runAsync(call), CompletableFuture.runAsync(call))
                .join();
          }
          return values(group.sum(torch.ones(1)))[0];
        });
    assertThat(refused.join())
        .hasMessageContaining("another thread of rank 0 is in a call of this process group");
  }

  /** What both throw when another thread of rank 1 ends the group that it waits in. */
  private static List<String> endedByAnotherThread(Consumer<ProcessGroup> end) {
    CompletableFuture<Void> ended = new CompletableFuture<>();
    return TwoRanks.errors(
        group -> {
          if (group.rank() == 0) {
            ended.join();
            group.barrier(); // what the other had sent before may still come
            group.barrier();
          } else {
            CompletableFuture.runAsync(() -> end.accept(group));
            try {
              group.barrier();
            } finally {
              ended.complete(null);
            }
          }
        });
  }

  @Test
  void anyThreadMayEndAGroupInWhichAnotherOneWaits() {
    assertThat(
            endedByAnotherThread(
                group -> group.fail(new IllegalStateException("the watchdog is hungry"))))
        .allMatch(
            error ->
                error.endsWith("rank 1 failed: IllegalStateException: the watchdog is hungry"));
    assertThat(endedByAnotherThread(ProcessGroup::close))
        .allMatch(error -> error.contains("closed"));
  }

  @Test
  void whoWaitsForAProcessThatHasClosedTheGroupLearnsHowFarBothHaveCome() {
    List<String> errors =
        TwoRanks.errors(
            group -> {
              group.sum(torch.ones(2));
              if (group.rank() == 0) {
                group.barrier();
              }
            });
    assertThat(errors.get(0))
        .contains(
            "rank 1 has closed the group after its call 1, the sum of Float[2]; rank 0 has come to"
                + " call 2, a barrier");
    assertThat(errors.get(1)).isEmpty();
  }

  @Test
  void processesStartFromTheVariablesOfTheFirst() {
    List<double[]> ends =
        TwoRanks.run(
            group -> {
              Tensor x = Tensor.create(new double[] {1 + group.rank()}, 1).requires_grad_(true);
              var problem =
                  ConstrainedMinimizationProblem.<Object>of(
                      Map.of(), unused -> CMPState.of(x.square().sum()));
              try (var optimizer =
                  new UnconstrainedOptimizer<>(
                      problem, new SGD(new TensorVector(x), new SGDOptions(0.25)))) {
                optimizer.distribute(group);
                assertThatThrownBy(() -> optimizer.distribute(group))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("distributed already");
                optimizer.roll(null);
              }
              return values(x);
            });
    assertThat(ends).containsExactly(new double[] {0.5}, new double[] {0.5});
  }

  @Test
  void sparseGradientsAreRefused() {
    TwoRanks.run(
        group -> {
          EmbeddingOptions options = new EmbeddingOptions(4, 2);
          options.sparse().put(true);
          EmbeddingImpl words = new EmbeddingImpl(options);
          var problem =
              ConstrainedMinimizationProblem.<Tensor>of(
                  Map.of(), some -> CMPState.of(words.forward(some).square().sum()));
          var optimizer =
              new UnconstrainedOptimizer<>(
                  problem, new SGD(words.parameters(), new SGDOptions(0.25)));
          optimizer.distribute(group);
          assertThatThrownBy(() -> optimizer.roll(Tensor.create(new long[] {1, 2}, 2)))
              .hasMessageContaining("the gradient of a variable Float[4, 2] is sparse")
              .hasMessageContaining("sparse = false");
          return 0;
        });
  }

  @Test
  void aProcessAloneIsAGroup() {
    try (ProcessGroup group = ProcessGroup.fromEnvironment()) {
      Tensor ones = torch.ones(3);
      assertThat(group.size()).isEqualTo(1);
      assertThat(values(group.sum(ones))).containsExactly(1, 1, 1);
      assertThat(values(group.allGather(ones))).containsExactly(1, 1, 1);
      group.broadcast(List.of(ones));
      group.barrier();
      assertThat(group).hasToString("ProcessGroup(rank 0 of 1)");
    }
  }

  @Test
  void aGroupThatIsClosedSaysSo() {
    ProcessGroup group = ProcessGroup.gloo("127.0.0.1", 0, 0, 1, TIMEOUT);
    assertThat(values(group.sum(torch.ones(1)))).containsExactly(1);
    group.close();
    group.close();
    assertThatThrownBy(() -> group.sum(torch.ones(1)))
        .isInstanceOf(ProcessGroupException.class)
        .hasMessageContaining("it was closed");
  }

  @Test
  void badArgumentsAreRefused() {
    assertThatThrownBy(() -> ProcessGroup.gloo("127.0.0.1", 29500, 2, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rank 2 of 2");
    assertThatThrownBy(() -> ProcessGroup.gloo("", 29500, 0, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("address");
    assertThatThrownBy(() -> ProcessGroup.gloo("127.0.0.1", 0, 1, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the port is 0; expected one from 1 to 65535");
    assertThatThrownBy(() -> ProcessGroup.gloo("127.0.0.1", 99999, 0, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the port is 99999; expected one from 1 to 65535");
    assertThatThrownBy(() -> ProcessGroup.gloo("127.0.0.1", 29500, 0, 1, null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("timeout");
    assertThatThrownBy(() -> ProcessGroup.gloo("127.0.0.1", 29500, 0, 1, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must be positive");
    assertThatThrownBy(() -> ProcessGroup.of(null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("backend");
    try (ProcessGroup group = ProcessGroup.fromEnvironment()) {
      assertThatThrownBy(() -> group.sum(torch.ones(1).to(torch.ScalarType.Long)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("floating point");
      assertThatThrownBy(() -> group.broadcast(List.of(torch.ones(1)), 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("rank 1");
      assertThatThrownBy(() -> group.broadcast(List.of(torch.ones(1).expand(4))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a tensor to broadcast, Float[4], is expanded");
      assertThatThrownBy(() -> group.allGather((byte[]) null))
          .isInstanceOf(NullPointerException.class)
          .hasMessage("bytes");
      group.barrier(Duration.ofSeconds(Long.MAX_VALUE));
    }
  }

  @Test
  void statesOfAnySizeGoToTheOthersSomeBytesAtATime() {
    Map<String, Object> state =
        Map.of("numbers", List.of(1L, 2.5, "three"), "tensor", torch.arange(new Scalar(1000)));
    List<byte[]> found =
        TwoRanks.run(
            group -> {
              Object its = state;
              if (group.rank() == 0) {
                Relay.send(group, state, 100);
              } else {
                its = Relay.receive(group);
              }
              group.barrier();
              return Checkpoint.bytes(its);
            });
    assertThat(found.get(1)).isEqualTo(found.get(0));
  }

  @Test
  void aRankThatIsTakenIsRefusedAndTheGroupGoesOn() {
    CompletableFuture<Integer> port = new CompletableFuture<>();
    CompletableFuture<Void> second =
        CompletableFuture.runAsync(
            () -> {
              try (var group = ProcessGroup.gloo("127.0.0.1", port.join(), 1, 2, TIMEOUT)) {
                group.barrier();
                group.barrier();
              }
            });
    try (var group = ProcessGroup.gloo("127.0.0.1", 0, 0, 2, TIMEOUT, port::complete)) {
      group.barrier();
      assertThatThrownBy(() -> ProcessGroup.gloo("127.0.0.1", port.join(), 1, 2, TIMEOUT))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("another process has come as rank 1 before; give each a rank");
      group.barrier();
    }
    second.join();
  }

  @Test
  void aStoreThatIsNotReachedIsNamed() {
    assertThatThrownBy(() -> ProcessGroup.gloo("host.invalid", 1, 1, 2, Duration.ofSeconds(1)))
        .isInstanceOf(ProcessGroupException.class)
        .hasMessageContaining("rank 1 did not reach the store at host.invalid:1");
  }

  @Test
  void aBackendThatJavaCppMadeIsUsed() {
    Loader.load(torch_gloo.class);
    TCPStoreOptions options = new TCPStoreOptions();
    options.port((short) 0);
    options.isServer(true);
    options.numWorkers(new SizeTPointer(1).put(1));
    TCPStore store = new TCPStore("127.0.0.1", options);
    ProcessGroupGloo.Options gloo = ProcessGroupGloo.Options.create();
    gloo.devices().push_back(ProcessGroupGloo.createDeviceForHostname("127.0.0.1"));
    ProcessGroupGloo backend = new ProcessGroupGloo(store, 0, 1, gloo);
    try (ProcessGroup group = ProcessGroup.of(backend)) {
      backend.close();
      assertThat(values(group.sum(torch.ones(2)))).containsExactly(1, 1);
      group.barrier();
    }
  }
}
