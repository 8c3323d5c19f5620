package org.cooper4j.rates;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.data.BatchSampler;
import org.cooper4j.internal.Tensors;

/**
 * Batches with as many examples of each group, for constraints on groups that random batches have
 * few of. Mirrors {@code BalancedBatchSampler} of humancompatible-train, with all groups extended.
 *
 * <pre>{@code
 * DataLoader.builder(data).batchSampler(new BalancedBatchSampler(codes, 1024, 0)).build();
 * }</pre>
 *
 * <p>An epoch is as long as the largest group lasts: its examples come once, those of a smaller one
 * again in a new order as often as needed, each as often as any other but for one time, and none
 * twice in a batch. Rates of one group stay unbiased, but means over all examples, such as the loss
 * or an overall rate, count small groups more than they are: by the factor n / (K n_k). {@link
 * #weights()} undo that.
 */
public final class BalancedBatchSampler implements BatchSampler {
  private final long[][] rows;
  private final int[] groupOf;
  private final int perGroup;
  private final long seed;
  private long epoch;

  /**
   * @param codes the group of each row of the data set, {@code [n]}: whole numbers, in any range; a
   *     group is a number that occurs
   * @param batchSize a multiple of the number of groups
   * @param seed of the order; epoch k of two samplers with the same seed is the same
   * @throws IllegalArgumentException if there is no row, a code is not whole, the size is no such
   *     multiple, or a group has fewer rows than its share of a batch
   */
  public BalancedBatchSampler(Tensor codes, int batchSize, long seed) {
    long[] numbers = read(codes);
    long[] groups = Arrays.stream(numbers).distinct().sorted().toArray();
    if (groups.length == 0 || batchSize < 1 || batchSize % groups.length != 0) {
      throw new IllegalArgumentException(
          "a batch of "
              + batchSize
              + " for "
              + groups.length
              + " groups; expected a multiple of the number of groups, and a group at least");
    }
    perGroup = batchSize / groups.length;
    groupOf = Arrays.stream(numbers).mapToInt(code -> Arrays.binarySearch(groups, code)).toArray();
    rows = new long[groups.length][];
    for (int k = 0; k < groups.length; k++) {
      int group = k;
      rows[k] =
          LongStream.range(0, numbers.length).filter(row -> groupOf[(int) row] == group).toArray();
      if (rows[k].length < perGroup) {
        throw new IllegalArgumentException(
            "group "
                + groups[k]
                + " has "
                + rows[k].length
                + " rows, fewer than its share of "
                + perGroup
                + " in a batch; make batches smaller");
      }
    }
    this.seed = seed;
  }

  private static long[] read(Tensor codes) {
    Tensors.requireTensor(codes, "group codes");
    if (codes.dim() != 1) {
      throw new IllegalArgumentException(
          "group codes have shape " + Tensors.shape(codes) + "; expected [n]");
    }
    try (PointerScope temporaries = new PointerScope()) {
      Tensor plain = codes.detach().cpu();
      Tensor whole = plain.to(ScalarType.Long).contiguous();
      if (!plain.eq(whole).all().item_bool()) {
        throw new IllegalArgumentException("group codes must be whole numbers");
      }
      long[] numbers = new long[Math.toIntExact(whole.numel())];
      if (numbers.length > 0) {
        whole.data_ptr_long().get(numbers);
      }
      return numbers;
    }
  }

  /** The number of batches that the largest group lasts for. */
  @Override
  public long size() {
    return Arrays.stream(rows).mapToInt(group -> group.length).max().orElse(0) / perGroup;
  }

  /**
   * What makes means over a batch unbiased: K n_k / n for each row of the data set, of its group k.
   * Weights of {@link RateContext#weighted}, or of a loss, once they are cut as the rows are.
   */
  public Tensor weights() {
    double factor = (double) rows.length / groupOf.length;
    return Tensor.create(
        Arrays.stream(groupOf).mapToDouble(group -> rows[group].length * factor).toArray());
  }

  /** {@code {"epoch": of the next iteration, from 0}}. */
  @Override
  public Map<String, Object> stateDict() {
    return Map.of("epoch", epoch);
  }

  @Override
  public void loadStateDict(Map<String, ?> state) {
    if (!(state.get("epoch") instanceof Long saved) || saved < 0) {
      throw new IllegalArgumentException(
          "epoch: expected an int >= 0, found " + state.get("epoch"));
    }
    epoch = saved;
  }

  @Override
  public Iterator<long[]> iterator() {
    SplittableRandom random = new SplittableRandom(new SplittableRandom(seed).nextLong() + epoch++);
    List<Deck> decks = new ArrayList<>();
    for (long[] group : rows) {
      decks.add(new Deck(group, random.split()));
    }
    SplittableRandom order = random.split();
    return new Iterator<>() {
      private long remaining = size();

      @Override
      public boolean hasNext() {
        return remaining > 0;
      }

      @Override
      public long[] next() {
        if (!hasNext()) {
          throw new NoSuchElementException("the epoch has no more batches");
        }
        remaining--;
        long[] batch = new long[perGroup * rows.length];
        for (int k = 0; k < rows.length; k++) {
          decks.get(k).deal(batch, k * perGroup, perGroup);
        }
        shuffle(batch, 0, batch.length, order);
        return batch;
      }
    };
  }

  private static void shuffle(long[] values, int from, int to, SplittableRandom random) {
    for (int i = to - 1; i > from; i--) {
      swap(values, i, from + random.nextInt(i - from + 1));
    }
  }

  private static void swap(long[] values, int i, int j) {
    long value = values[i];
    values[i] = values[j];
    values[j] = value;
  }

  /** A group's rows; dealt from the front, shuffled again once all were. */
  private static final class Deck {
    private final long[] cards;
    private final SplittableRandom random;
    private int next;

    Deck(long[] rows, SplittableRandom random) {
      this.cards = rows.clone();
      this.random = random;
      shuffle(cards, 0, cards.length, random);
    }

    /**
     * Where the deck ends within a hand, what the hand holds already stays behind, so that it is
     * not dealt twice.
     */
    void deal(long[] hand, int at, int count) {
      int held = Math.min(count, cards.length - next);
      System.arraycopy(cards, next, hand, at, held);
      next += held;
      if (held < count) {
        shuffle(cards, 0, cards.length - held, random);
        next = count - held;
        System.arraycopy(cards, 0, hand, at + held, next);
        shuffle(cards, next, cards.length, random);
      }
    }
  }
}
