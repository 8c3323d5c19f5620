package org.cooper4j.data;

import java.util.Map;

/**
 * Says which rows make up each mini-batch of an epoch. Mirrors the {@code batch_sampler} of {@code
 * torch.utils.data.DataLoader}. Each iteration is an epoch; a batch is the indices of its rows, at
 * least one, in their order.
 */
public interface BatchSampler extends Iterable<long[]> {
  /** The number of batches in an epoch. */
  long size();

  /** What the next epoch depends on; a loader saves it with its own state. */
  Map<String, Object> stateDict();

  /**
   * Makes the next epoch that of a {@link #stateDict()}.
   *
   * @throws IllegalArgumentException if it is something else; nothing changes then
   */
  void loadStateDict(Map<String, ?> state);
}
