package org.cooper4j.rates;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The examples of each group in the order of falling scores: entries {@code [m]}, group by group,
 * where m is n, or the number of members of all masks. Without groups there is one, of everybody.
 */
final class Ranking {
  private final Groups groups;
  private final int count; // K, or 1
  private final Tensor sorted; // scores [n]
  private final Tensor runs; // int64 [n], where among the sorted the run of equal scores ends
  private final Tensor places; // int64 [m], where among the sorted an entry is
  private final Tensor examples; // int64 [m]
  private final Tensor group; // int64 [m]
  private final Tensor weights; // [m]
  private final Tensor starts; // int64 [K], a group's first entry
  private final Tensor ends; // int64 [K], the first one after it
  private final Tensor last; // int64 [m], the last entry of a group's run of equal scores

  /**
   * Ranks.
   *
   * @param scores float64 {@code [n]}, at least one
   * @param each the examples' weights, {@code [n]}
   */
  Ranking(Groups groups, Tensor scores, Tensor each) {
    this.groups = groups;
    count = Math.max(1, groups.count());
    Tensor order = scores.argsort(0, true);
    sorted = scores.index_select(0, order);
    runs = runEnds(sorted.eq(next(sorted)));
    if (groups.isNone()) {
      places = counting(order);
      group = torch.zeros_like(order);
      examples = order;
      weights = each.index_select(0, examples);
    } else if (groups.codes() != null) {
      places = groups.codes().index_select(0, order).argsort(true, 0, false);
      examples = order.index_select(0, places);
      group = groups.codes().index_select(0, examples);
      weights = each.index_select(0, examples);
    } else {
      Tensor masks = groups.masks().index_select(1, order);
      Tensor members = masks.nonzero();
      group = members.select(1, 0);
      places = members.select(1, 1);
      examples = order.index_select(0, places);
      Tensor cells = group.mul(new Scalar(order.size(0))).add(places);
      weights = each.index_select(0, examples).mul(masks.flatten().index_select(0, cells));
    }
    ends = group.new_zeros(count).index_add(0, group, torch.ones_like(group)).cumsum(0);
    starts = torch.cat(new TensorVector(ends.new_zeros(1), ends.narrow(0, 0, count - 1L)));
    Tensor run = runs.index_select(0, places);
    last = runEnds(run.eq(next(run)).logical_and(group.eq(next(group))));
  }

  private static Tensor counting(Tensor like) {
    return torch.ones_like(like).cumsum(0).sub(Constants.NEXT);
  }

  /** What follows each; the first follows the last. */
  private static Tensor next(Tensor values) {
    return values.roll(new long[] {-1});
  }

  /** Where the runs end, if each but the last either is the same as the next or not. */
  private static Tensor runEnds(Tensor same) {
    long size = same.size(0);
    Tensor at = counting(same.to(ScalarType.Long));
    Tensor within = same.logical_and(at.ne(new Scalar(size - 1)));
    return at.masked_fill(within, new Scalar(size)).flip(0).cummin(0).get0().flip(0);
  }

  /** The examples' weights in their groups, {@code [m]}. */
  Tensor weights() {
    return weights;
  }

  /** What examples have, {@code [n]}, as entries, {@code [m]}. */
  Tensor ofExamples(Tensor values) {
    return values.index_select(0, examples);
  }

  /** What groups have, {@code [K]}, as entries, {@code [m]}. */
  Tensor ofGroups(Tensor values) {
    return values.index_select(0, group);
  }

  /** Of entries {@code [m]}, over each group, {@code [K]}. */
  Tensor sum(Tensor values) {
    return groups.isNone()
        ? values.sum().unsqueeze(0)
        : values.new_zeros(count).index_add(0, group, values);
  }

  /**
   * Sums over a group's entries whose scores are at least an entry's, {@code [m]}; last are those
   * of the whole group.
   */
  Tensor counts(Tensor values) {
    Tensor before = cumulated(values);
    return before.index_select(0, last.add(Constants.NEXT)).sub(ofGroups(first(before)));
  }

  /** The last counts of each group, {@code [K]}: these are equal, however sums are rounded. */
  Tensor totals(Tensor values) {
    Tensor before = cumulated(values);
    return before.index_select(0, ends).sub(first(before));
  }

  /** The sums of all entries before each one, and of all, {@code [m + 1]}. */
  private static Tensor cumulated(Tensor values) {
    return torch.cat(new TensorVector(values.new_zeros(1), values.cumsum(0)));
  }

  private Tensor first(Tensor before) {
    return before.index_select(0, starts);
  }

  /** The counts of the entry before each one; 0 for a group's first. */
  Tensor before(Tensor counts) {
    Tensor isFirst = counting(group).eq(ofGroups(starts));
    return counts.roll(new long[] {1}).masked_fill(isFirst, Constants.ZERO);
  }

  /** The largest of each group, {@code [K]}, of entries that are not negative; 0 of none. */
  Tensor largest(Tensor values) {
    return values.new_zeros(count).scatter_reduce(0, group, values, "amax", true);
  }

  /**
   * The threshold between an entry of each group and the next score of all that is lower: {@code
   * [K]}.
   *
   * @param flags {@code [m]}; the first entry with one counts, without any the first example
   */
  Tensor thresholds(Tensor flags) {
    long n = sorted.size(0);
    Tensor flagged = places.masked_fill(flags.logical_not(), new Scalar(n));
    Tensor first =
        flagged
            .new_full(new long[] {count}, new Scalar(n))
            .scatter_reduce(0, group, flagged, "amin", true);
    Tensor at = runs.index_select(0, first.masked_fill(first.eq(new Scalar(n)), new Scalar(0L)));
    Tensor below = at.add(Constants.NEXT).clamp_max(new Scalar(n - 1));
    return sorted.index_select(0, at).add(sorted.index_select(0, below)).mul(Constants.HALF);
  }
}
