package org.cooper4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.cooper4j.Devices.device;
import static org.cooper4j.Devices.here;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.EveryDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

@EveryDevice
class DataLoaderTest {
  /** Targets 0, 1, …, 9; the row of inputs for target t is (2t, 2t + 1). */
  private final TensorDataset dataset =
      new TensorDataset(
          torch.arange(new Scalar(20)).to(ScalarType.Float).view(10, 2),
          torch.arange(new Scalar(10)).to(ScalarType.Long));

  @AfterEach
  void close() {
    dataset.close();
  }

  private static List<List<Long>> epoch(DataLoader loader) {
    List<List<Long>> batches = new ArrayList<>();
    for (Batch batch : loader) {
      long[] targets = new long[(int) batch.size()];
      try (Tensor onCpu = batch.targets().to(new Device("cpu"), ScalarType.Long)) {
        new LongPointer(onCpu.data_ptr()).get(targets);
      }
      List<Long> values = new ArrayList<>();
      for (int i = 0; i < targets.length; i++) {
        values.add(targets[i]);
        assertThat(batch.inputs().size(0)).isEqualTo(targets.length);
        try (Tensor row = batch.inputs().select(0, i).select(0, 1)) {
          assertThat(row.item_float()).isEqualTo((float) (2 * targets[i] + 1));
        }
      }
      batches.add(values);
    }
    return batches;
  }

  @Test
  void batchesComeInOrder() {
    DataLoader loader = DataLoader.builder(dataset).batchSize(4).device(device()).build();
    assertThat(loader.size()).isEqualTo(3);
    assertThat(epoch(loader))
        .containsExactly(List.of(0L, 1L, 2L, 3L), List.of(4L, 5L, 6L, 7L), List.of(8L, 9L))
        .isEqualTo(epoch(loader));
    for (Batch batch : loader) {
      assertThat(batch.inputs().is_cuda()).isEqualTo(device().is_cuda());
    }
  }

  @Test
  void aSmallLastBatchCanBeDropped() {
    DataLoader loader = DataLoader.builder(dataset).batchSize(4).dropLast().build();
    assertThat(loader.size()).isEqualTo(2);
    assertThat(epoch(loader)).hasSize(2).last().isEqualTo(List.of(4L, 5L, 6L, 7L));
    assertThat(epoch(DataLoader.builder(dataset).batchSize(11).dropLast().build())).isEmpty();
    assertThat(epoch(DataLoader.builder(dataset).batchSize(5).dropLast().build())).hasSize(2);
  }

  @Test
  void shuffledEpochsFollowTheSeed() {
    DataLoader.Builder options = DataLoader.builder(dataset).batchSize(10);
    DataLoader loader = options.device(device()).shuffle(7).build();
    // torch.randperm(10, generator=g), twice, after g = torch.Generator().manual_seed(7).
    assertThat(epoch(loader)).containsExactly(List.of(5L, 0L, 3L, 4L, 1L, 7L, 9L, 6L, 8L, 2L));
    assertThat(epoch(loader)).containsExactly(List.of(1L, 8L, 9L, 5L, 7L, 4L, 0L, 3L, 6L, 2L));
  }

  /** Its rows are looked up there, in the order that a seed gives on any device. */
  @Test
  void aDataSetMayLieOnTheDevice() {
    try (TensorDataset moved = new TensorDataset(here(dataset.inputs()), here(dataset.targets()))) {
      assertThat(epoch(DataLoader.builder(moved).batchSize(10).shuffle(7).build()))
          .containsExactly(List.of(5L, 0L, 3L, 4L, 1L, 7L, 9L, 6L, 8L, 2L));
      assertThat(epoch(DataLoader.builder(moved).batchSize(10).device(device()).build()))
          .containsExactly(List.of(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L));
    }
  }

  /** At the start, the middle and the end of the first epoch, and of the second. */
  @Test
  void anotherLoaderGoesOnFromAPlace() {
    for (boolean shuffled : new boolean[] {true, false}) {
      for (int given = 0; given <= 6; given++) {
        DataLoader whole = loader(shuffled, 7);
        List<List<Long>> expected = epoch(whole);
        expected.addAll(epoch(whole));
        expected.addAll(epoch(whole));

        DataLoader first = loader(shuffled, 7);
        Iterator<Batch> batches = first.iterator();
        for (int i = 0; i < given; i++) {
          if (!batches.hasNext()) {
            batches = first.iterator();
          }
          batches.next();
        }
        DataLoader second = loader(shuffled, 1);
        second.loadStateDict(first.stateDict());
        List<List<Long>> rest = epoch(second);
        rest.addAll(epoch(second));
        assertThat(rest)
            .as("after %s", given)
            .isEqualTo(expected.subList(given, given + rest.size()));
      }
    }
  }

  private DataLoader loader(boolean shuffled, long seed) {
    DataLoader.Builder options = DataLoader.builder(dataset).batchSize(4).device(device());
    return (shuffled ? options.shuffle(seed) : options).build();
  }

  @Test
  void aPlaceThatDoesNotFitIsRefused() {
    DataLoader shuffled = loader(true, 7);
    DataLoader ordered = loader(false, 0);
    List<List<Long>> expected = epoch(loader(true, 7));
    for (Map<String, ?> state :
        List.<Map<String, ?>>of(
            Map.of(),
            Map.of("batches", 4L),
            Map.of("batches", -1L),
            Map.of("batches", "two"),
            ordered.stateDict(),
            Map.of("batches", 1L, "generator_state", 3L),
            Map.of("batches", 1L, "generator_state", torch.zeros(5)))) {
      assertThatThrownBy(() -> shuffled.loadStateDict(state))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageMatching("(?s)(batches|generator_state): .*");
    }
    assertThatThrownBy(() -> ordered.loadStateDict(shuffled.stateDict()))
        .hasMessageContaining("this one is not shuffled");
    assertThat(epoch(shuffled)).isEqualTo(expected);
  }

  @Test
  void inTheMiddleOfAnEpochSizesMustBeTheSame() {
    DataLoader fours = loader(false, 0);
    fours.iterator().next();
    DataLoader twos = DataLoader.builder(dataset).batchSize(2).device(device()).build();
    assertThatThrownBy(() -> twos.loadStateDict(fours.stateDict()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("batch_size: the state is of a loader with 4, this one has 2");
    DataLoader others =
        DataLoader.builder(new TensorDataset(torch.zeros(5, 1), torch.zeros(5)))
            .batchSize(4)
            .device(device())
            .build();
    assertThatThrownBy(() -> others.loadStateDict(fours.stateDict()))
        .hasMessageContaining("samples: ");
    twos.loadStateDict(loader(false, 0).stateDict()); // at the start of an epoch
  }

  @Test
  void aBatchIsClosedWhenTheNextOneIsAskedFor() {
    Iterator<Batch> batches = DataLoader.builder(dataset).batchSize(5).build().iterator();
    Batch first = batches.next();
    Tensor kept = first.inputs().clone();
    assertThat(batches.hasNext()).isTrue();
    assertThat(first.inputs().isNull()).isFalse();
    Batch second = batches.next();
    for (ThrowingCallable read :
        List.<ThrowingCallable>of(first::inputs, first::targets, first::size)) {
      assertThatThrownBy(read)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("clone() its tensors to keep them");
    }
    assertThat(kept.sum().item_float()).isEqualTo(45);
    assertThat(batches.hasNext()).isFalse();
    assertThatThrownBy(second::targets).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(batches::next).isInstanceOf(NoSuchElementException.class);
  }

  @Test
  void epochsLeaveNoNativeMemoryBehind() {
    DataLoader loader =
        DataLoader.builder(dataset).batchSize(3).shuffle(0).device(device()).build();
    epoch(loader);
    long before = Pointer.totalCount();
    for (int i = 0; i < 1000; i++) {
      for (Batch batch : loader) {
        assertThat(batch.size()).isPositive();
      }
    }
    assertThat(Pointer.totalCount()).isLessThanOrEqualTo(before);
  }

  @Test
  void anEpochHasAsManyBatchesAsThereAreRowsFor() {
    for (long batchSize : new long[] {10, 11, Long.MAX_VALUE}) {
      assertThat(epoch(DataLoader.builder(dataset).batchSize(batchSize).build())).hasSize(1);
    }
    try (TensorDataset none = new TensorDataset(torch.zeros(0, 2), torch.zeros(0))) {
      for (DataLoader.Builder options :
          List.of(
              DataLoader.builder(none),
              DataLoader.builder(none).shuffle(0),
              DataLoader.builder(none).dropLast())) {
        assertThat(options.build().size()).isZero();
        assertThat(epoch(options.build())).isEmpty();
      }
    }
  }

  @Test
  void aClosedDataSetIsSaidToBeOne() {
    TensorDataset closed = new TensorDataset(torch.zeros(4, 2), torch.zeros(4));
    DataLoader loader = DataLoader.builder(closed).build();
    Iterator<Batch> batches = loader.iterator();
    assertThat(batches.next().size()).isEqualTo(1);
    closed.close();
    for (ThrowingCallable read :
        List.<ThrowingCallable>of(
            closed::size,
            closed::inputs,
            closed::targets,
            loader::size,
            loader::iterator,
            batches::next,
            () -> DataLoader.builder(closed).shuffle(1).build().iterator())) {
      assertThatThrownBy(read)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("data set was closed");
    }
    closed.close();
  }

  @Test
  void aLoaderThatEndedWithItsScopeSaysSo() {
    DataLoader loader;
    try (PointerScope scope = new PointerScope()) {
      loader = DataLoader.builder(dataset).shuffle(0).build();
    }
    assertThatThrownBy(loader::iterator)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the generator of this loader was released");
    Device device = new Device("cpu");
    DataLoader onDevice = DataLoader.builder(dataset).device(device).build();
    Iterator<Batch> batches = onDevice.iterator();
    device.close();
    for (ThrowingCallable use :
        List.<ThrowingCallable>of(
            batches::next, onDevice::iterator, () -> DataLoader.builder(dataset).device(device))) {
      assertThatThrownBy(use)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("was released");
    }
  }

  @Test
  void whatCannotBeLoadedIsRefused() {
    assertThatThrownBy(() -> DataLoader.builder(dataset).batchSize(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 1 sample, not 0");
    assertThatThrownBy(() -> new TensorDataset(torch.zeros(3, 2), torch.zeros(4)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("[3, 2]", "[4]");
    Tensor released = torch.zeros(3);
    released.close();
    assertThatThrownBy(() -> new TensorDataset(torch.zeros(3, 2), released))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("targets was released");
    assertThatThrownBy(() -> new TensorDataset(null, torch.zeros(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("inputs is null");
    assertThatThrownBy(() -> DataLoader.builder(null)).hasMessage("dataset");
  }
}
