package org.cooper4j.spark;

import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.checkpoint.RngState;
import org.cooper4j.data.BatchSampler;

/**
 * A worker's share of each batch. All workers draw the same order of all rows, the one that a
 * shuffled {@link org.cooper4j.data.DataLoader} over all rows draws, and take from every batch the
 * rows that lie with them, which may be none. So the batches are those of one process, whatever the
 * number of workers.
 */
final class Deal implements BatchSampler {
  private static final String ANOTHER = "; give it another checkpoint path";

  private final long rows;
  private final long keys;
  private final long first;
  private final long count;
  private final long batchSize;
  private final Generator generator;

  /**
   * A share.
   *
   * @param rows of all workers
   * @param keys the sum of their keys, which tells these rows from others
   * @param first of this worker's, which lie one after the other
   * @param count of this worker's
   */
  Deal(long rows, long keys, long first, long count, long batchSize, long seed) {
    this.rows = rows;
    this.keys = keys;
    this.first = first;
    this.count = count;
    this.batchSize = batchSize;
    generator = torch.make_generator_cpu(seed);
  }

  @Override
  public long size() {
    return rows / batchSize + (rows % batchSize > 0 ? 1 : 0);
  }

  @Override
  public Iterator<long[]> iterator() {
    long[] mine = new long[Math.toIntExact(count)];
    int[] ends = new int[Math.toIntExact(size())];
    try (PointerScope temporaries = new PointerScope()) {
      Tensor order = torch.randperm(rows, new GeneratorOptional(generator));
      LongPointer all = order.data_ptr_long();
      int found = 0;
      for (long i = 0; i < rows; i++) {
        long row = all.get(i) - first;
        if (row >= 0 && row < count) {
          mine[found++] = row;
        }
        ends[(int) (i / batchSize)] = found;
      }
    }
    return IntStream.range(0, ends.length)
        .mapToObj(i -> Arrays.copyOfRange(mine, i == 0 ? 0 : ends[i - 1], ends[i]))
        .iterator();
  }

  @Override
  public Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("rows", rows);
    state.put("keys", keys);
    state.put("batch_size", batchSize);
    state.put("generator_state", RngState.get(generator));
    return state;
  }

  @Override
  public void loadStateDict(Map<String, ?> state) {
    requireSame(state);
    try {
      RngState.set(generator, state.get("generator_state") instanceof Tensor its ? its : null);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("generator_state: " + e.getMessage(), e);
    }
  }

  /**
   * That a state is of these rows.
   *
   * @throws IllegalArgumentException if not
   */
  void requireSame(Map<?, ?> state) {
    requireSame(state, "rows", rows, ANOTHER);
    requireSame(
        state,
        "keys",
        keys,
        "; so the rows or their id column differ, or a source gives others each time it is read:"
            + " write these down first, or name an id that stays (setIdCol). For other rows"
            + ANOTHER.substring(1));
    requireSame(state, "batch_size", batchSize, ANOTHER);
  }

  private static void requireSame(Map<?, ?> state, String key, long here, String advice) {
    if (!Long.valueOf(here).equals(state.get(key))) {
      throw new IllegalArgumentException(
          key
              + ": the checkpoint is of "
              + state.get(key)
              + ", this training has "
              + here
              + advice);
    }
  }
}
