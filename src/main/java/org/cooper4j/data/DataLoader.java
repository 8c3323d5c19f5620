package org.cooper4j.data;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.Cuda;
import org.cooper4j.checkpoint.RngState;
import org.cooper4j.internal.Tensors;

/**
 * Cuts a {@link TensorDataset} into mini-batches. Mirrors {@code torch.utils.data.DataLoader}.
 *
 * <pre>{@code
 * DataLoader loader = DataLoader.builder(dataset).batchSize(128).device(device).build();
 * for (Batch batch : loader) { … }
 * }</pre>
 *
 * <p>Each iteration is one epoch. A {@link Batch} is valid until the next one is asked for, or the
 * end is reached: then the loader closes its tensors, so that an epoch leaves nothing to collect.
 * {@code clone()} a tensor to keep it. What LibTorch holds itself, such as an input that a backward
 * pass needs, is not affected.
 *
 * <p>An unshuffled batch on the data set's own device is a view of it. A batch that goes from the
 * CPU to a CUDA device passes through pinned memory, from where it is copied while the program goes
 * on: what {@code pin_memory=True} and {@code to(device, non_blocking=True)} do in Python. Each has
 * pinned memory of its own, which LibTorch takes back when the copy is done. A data set that fits
 * into the device's memory is best moved there once: its batches then cost no transfer.
 *
 * <p>{@link #stateDict()} is the place of the iteration that was started last; a loader with the
 * same options and data goes on from there.
 *
 * <p>A loader may be used by one thread at a time.
 */
public final class DataLoader implements Iterable<Batch> {
  private final TensorDataset dataset;
  private final long batchSize;
  private final boolean dropLast;
  private final Device device;
  private final Generator generator;
  private final BatchSampler sampler;
  private final int rank;
  private final int ranks;

  /** The epoch that is being iterated; null between two. */
  private Epoch epoch;

  /** Of the generator, before that epoch's order was drawn; null if nothing is drawn. */
  private Tensor epochState;

  /** Of the sampler, likewise. */
  private Map<String, Object> samplerState;

  /** How many batches the next iteration leaves out, since a loaded state had given them. */
  private long skipped;

  private DataLoader(Builder builder) {
    dataset = builder.dataset;
    batchSize = builder.batchSize;
    dropLast = builder.dropLast;
    device = builder.device;
    generator = builder.generator;
    sampler = builder.sampler;
    rank = builder.rank;
    ranks = builder.ranks;
  }

  /** Starts a loader over a data set, which stays the caller's and must outlive it. */
  public static Builder builder(TensorDataset dataset) {
    return new Builder(dataset);
  }

  /** The number of batches in an epoch; 0 for a data set of no rows. */
  public long size() {
    if (sampler != null) {
      return sampler.size();
    }
    long rows = dataset.size();
    return rows / batchSize + (dropLast || rows % batchSize == 0 ? 0 : 1);
  }

  /** Which share of every batch this gives, from 0, as {@link Builder#shard} was told. */
  public int shard() {
    return rank;
  }

  /** How many shares of every batch there are; 1 unless {@link Builder#shard} was told. */
  public int shards() {
    return ranks;
  }

  /**
   * Starts an epoch, or, the first time after {@link #loadStateDict}, goes on in one. A shuffled
   * loader draws its order now.
   *
   * @throws IllegalStateException if the data set was closed, or the loader, or the device given to
   *     it, was made in a PointerScope that has ended
   */
  @Override
  public Iterator<Batch> iterator() {
    requireOpen(generator, "the generator of this loader");
    requireOpen(device, "the device of this loader");
    long rows = dataset.size();
    rememberState();
    epoch =
        sampler == null
            ? new Epoch(generator == null ? null : permutation(), skipped, rows)
            : new Epoch(sampler.iterator(), skipped);
    skipped = 0;
    return epoch;
  }

  private void rememberState() {
    if (sampler != null) {
      samplerState = sampler.stateDict();
    }
    if (generator != null) {
      if (epochState != null) {
        epochState.close();
      }
      epochState = generatorState();
    }
  }

  private Tensor generatorState() {
    try (PointerScope temporaries = new PointerScope()) {
      return Tensors.keep(RngState.get(generator));
    }
  }

  /**
   * The place of the iteration that was started last: {@code {"batches": given, "samples": of the
   * data set, "batch_size": n, "generator_state": uint8 [n]}}, the last of a shuffled loader, at
   * the start of that epoch (it wins over the new loader's seed); one with a sampler has its state,
   * {@code "batch_sampler"}. Between two epochs it is the start of the next one.
   */
  public Map<String, Object> stateDict() {
    requireOpen(generator, "the generator of this loader");
    requireOpen(epochState, "the iteration of this loader");
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("batches", epoch == null ? skipped : size() - epoch.remaining);
    state.put("samples", dataset.size());
    state.put("batch_size", batchSize);
    if (generator != null) {
      state.put("generator_state", epoch == null ? generatorState() : epochState.clone());
    }
    if (sampler != null) {
      state.put("batch_sampler", epoch == null ? sampler.stateDict() : samplerState);
    }
    return state;
  }

  /**
   * Lets the next iteration go on from a state of a loader with the same data and options; at the
   * start of an epoch sizes may differ.
   *
   * @throws IllegalArgumentException naming the key that does not fit; the loader is as it was
   */
  public void loadStateDict(Map<String, ?> state) {
    requireOpen(generator, "the generator of this loader");
    if (!(state.get("batches") instanceof Long given) || given < 0 || given > size()) {
      throw new IllegalArgumentException(
          "batches: expected an int from 0 to "
              + size()
              + ", the batches of an epoch, found "
              + state.get("batches"));
    }
    if (given > 0) {
      requireSame(state, "samples", dataset.size());
      requireSame(state, "batch_size", batchSize);
    }
    Object generatorState = state.get("generator_state");
    if ((generatorState == null) != (generator == null)) {
      throw new IllegalArgumentException(
          generator == null
              ? "generator_state: the state is of a shuffled loader, this one is not shuffled"
              : "generator_state: missing, but this loader is shuffled");
    }
    Object ofSampler = state.get("batch_sampler");
    if ((ofSampler instanceof Map<?, ?>) != (sampler != null)) {
      throw new IllegalArgumentException(
          sampler == null
              ? "batch_sampler: the state is of a loader with a batch sampler, this one has none"
              : "batch_sampler: missing, but this loader has one");
    }
    if (generator != null) {
      loadGenerator(generatorState);
    }
    if (sampler != null) {
      loadSampler((Map<?, ?>) ofSampler);
    }
    epoch = null;
    skipped = given;
  }

  private static void requireSame(Map<String, ?> state, String key, long here) {
    if (state.containsKey(key) && !Long.valueOf(here).equals(state.get(key))) {
      throw new IllegalArgumentException(
          key + ": the state is of a loader with " + state.get(key) + ", this one has " + here);
    }
  }

  @SuppressWarnings("unchecked") // the sampler reads the values that it knows
  private void loadSampler(Map<?, ?> state) {
    try {
      sampler.loadStateDict((Map<String, ?>) state);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("batch_sampler." + e.getMessage(), e);
    }
  }

  private void loadGenerator(Object state) {
    try {
      RngState.set(generator, state instanceof Tensor tensor ? tensor : null);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("generator_state: " + e.getMessage(), e);
    }
  }

  private static void requireOpen(Pointer part, String what) {
    if (part != null && part.isNull()) {
      throw new IllegalStateException(
          what
              + " was released, by close() or with the PointerScope that it was made in; make it, and"
              + " the loader, outside");
    }
  }

  /** Drawn on the CPU, the same on any device; looked up where the data set lies. */
  private Tensor permutation() {
    try (GeneratorOptional optional = new GeneratorOptional(generator);
        Tensor order = torch.randperm(dataset.size(), optional);
        Device where = dataset.inputs().device()) {
      return order.to(where, ScalarType.Long);
    }
  }

  private final class Epoch implements Iterator<Batch> {
    private final Tensor order;
    private final Iterator<long[]> sampled; // null without a sampler
    private long row;
    private long remaining;
    private Batch current;

    Epoch(Tensor order, long skipped, long rows) {
      this.order = order;
      sampled = null;
      remaining = size() - skipped;
      row = remaining == 0 ? rows : skipped * batchSize;
    }

    Epoch(Iterator<long[]> sampled, long skipped) {
      order = null;
      this.sampled = sampled;
      remaining = size() - skipped;
      for (long i = 0; i < skipped; i++) {
        sampled.next();
      }
    }

    /** Closes the batch of the last step, too, once there is no other. */
    @Override
    public boolean hasNext() {
      if (remaining == 0) {
        closeCurrent();
        if (order != null) {
          order.close();
        }
        if (epoch == this) {
          epoch = null;
        }
      }
      return remaining > 0;
    }

    @Override
    public Batch next() {
      if (!hasNext()) {
        throw new NoSuchElementException("the epoch has no more batches");
      }
      requireOpen(device, "the device of this loader");
      requireOpen(order, "the order of this epoch");
      closeCurrent();
      current = sampled == null ? nextRows() : select(shard(sampled.next()));
      remaining--;
      return current;
    }

    private Batch nextRows() {
      long length = Math.min(batchSize, dataset.size() - row);
      long from = row;
      row += length;
      if (order == null) {
        return new Batch(
            onDevice(shard(dataset.inputs(), from, length)),
            onDevice(shard(dataset.targets(), from, length)));
      }
      try (Tensor indices = shard(order, from, length)) {
        return select(indices);
      }
    }

    private void closeCurrent() {
      if (current != null) {
        current.close();
        current = null;
      }
    }
  }

  /** This rank's of so many rows: a view, of none if there are fewer rows than ranks. */
  private Tensor shard(Tensor tensor, long from, long length) {
    if (ranks == 1) {
      return tensor.narrow(0, from, length);
    }
    long first = from + Math.min(rank, length);
    try (LongOptional start = new LongOptional(first);
        LongOptional end = new LongOptional(from + length)) {
      return tensor.slice(0, start, end, ranks);
    }
  }

  private long[] shard(long[] rows) {
    return ranks == 1
        ? rows
        : IntStream.iterate(rank, i -> i < rows.length, i -> i + ranks)
            .mapToLong(i -> rows[i])
            .toArray();
  }

  private Batch select(long[] rows) {
    long size = dataset.size();
    for (long row : rows) {
      if (row < 0 || row >= size) {
        throw new IllegalArgumentException(
            "the batch sampler gave row " + row + " of a data set of " + size);
      }
    }
    try (Device where = dataset.inputs().device();
        Tensor indices = Tensor.create(rows, rows.length);
        Tensor placed = indices.to(where, ScalarType.Long)) {
      return select(placed);
    }
  }

  private Batch select(Tensor indices) {
    return new Batch(
        onDevice(dataset.inputs().index_select(0, indices)),
        onDevice(dataset.targets().index_select(0, indices)));
  }

  private Tensor onDevice(Tensor tensor) {
    if (device == null) {
      return tensor;
    }
    try (tensor) {
      if (!device.is_cuda() || !tensor.is_cpu()) {
        return moved(tensor);
      }
      // From pinned memory the copy need not be waited for; LibTorch keeps it until it was read.
      try (Tensor pinned = tensor.pin_memory()) {
        return moved(pinned);
      }
    }
  }

  private Tensor moved(Tensor tensor) {
    try (MemoryFormatOptional unchanged = new MemoryFormatOptional()) {
      return tensor.to(device, tensor.scalar_type(), true, false, unchanged);
    }
  }

  /** Options of a {@link DataLoader}. */
  public static final class Builder {
    private final TensorDataset dataset;
    private long batchSize = 1;
    private boolean dropLast;
    private Device device;
    private Generator generator;
    private BatchSampler sampler;
    private int rank;
    private int ranks = 1;

    private Builder(TensorDataset dataset) {
      this.dataset = Objects.requireNonNull(dataset, "dataset");
    }

    /**
     * The number of samples in a batch; 1 unless set.
     *
     * @throws IllegalArgumentException if it is below 1
     */
    public Builder batchSize(long batchSize) {
      if (batchSize < 1) {
        throw new IllegalArgumentException("a batch needs at least 1 sample, not " + batchSize);
      }
      this.batchSize = batchSize;
      return this;
    }

    /**
     * Takes the samples of each epoch in a new random order; without it, they come as they lie.
     * Epoch k of two loaders with the same seed has the same order.
     */
    public Builder shuffle(long seed) {
      this.generator = torch.make_generator_cpu(seed);
      return this;
    }

    /** Leaves out the last batch of an epoch if it is smaller than the others. */
    public Builder dropLast() {
      this.dropLast = true;
      return this;
    }

    /**
     * The device of the batches; the data set's unless set.
     *
     * @throws IllegalArgumentException if it is a CUDA device that is not there
     */
    public Builder device(Device device) {
      requireOpen(Objects.requireNonNull(device, "device"), "the device");
      Cuda.check(device);
      this.device = device;
      return this;
    }

    /** Takes the batches that a sampler says, instead of a size, an order and what to drop. */
    public Builder batchSampler(BatchSampler sampler) {
      this.sampler = Objects.requireNonNull(sampler, "sampler");
      return this;
    }

    /**
     * Gives this process its share of every batch: rows {@code rank}, {@code rank + size}, … of it.
     * All processes use the same options otherwise: batch sizes, orders and the loader's state are
     * those of all together. A process has a batch of no rows where there are fewer than processes.
     *
     * @param rank the process's number, from 0
     * @param size how many processes there are
     * @throws IllegalArgumentException if there is no such rank
     */
    public Builder shard(int rank, int size) {
      if (rank < 0 || rank >= size) {
        throw new IllegalArgumentException(
            "rank " + rank + " of " + size + " processes; ranks go from 0 to their number - 1");
      }
      this.rank = rank;
      this.ranks = size;
      return this;
    }

    /**
     * Makes the loader.
     *
     * @throws IllegalArgumentException if a sampler came with a batch size, a seed or dropLast
     */
    public DataLoader build() {
      if (sampler != null && (batchSize != 1 || generator != null || dropLast)) {
        throw new IllegalArgumentException(
            "a batch sampler says what a batch is; leave out batchSize, shuffle and dropLast");
      }
      return new DataLoader(this);
    }
  }
}
