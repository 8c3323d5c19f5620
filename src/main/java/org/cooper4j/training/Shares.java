package org.cooper4j.training;

import org.cooper4j.data.DataLoader;
import org.cooper4j.internal.StateText;
import org.cooper4j.optim.Replicas;

/**
 * That several processes have shares of the same batches, one each: other batches, or one share
 * twice, would train another model, and nobody would notice.
 */
final class Shares {
  private Shares() {}

  /**
   * Compares loaders whose batches are shared among as many as there are processes.
   *
   * @throws IllegalArgumentException if this process's loader gives another one's share
   */
  static void agree(Iterable<?> batches, Replicas.Replica copy) {
    if (copy.size() == 1) {
      return;
    }
    StringBuilder text = new StringBuilder("the start of a training\n");
    if (batches instanceof DataLoader loader && loader.shards() == copy.size()) {
      if (loader.shard() != copy.rank()) {
        throw new IllegalArgumentException(
            "the loader gives share %d of %d to rank %d; give shard(…) the group's rank and size"
                .formatted(loader.shard(), loader.shards(), copy.rank()));
      }
      String its = "a loader's ";
      text.append("shares of batches\n");
      StateText.append(text, its + "batches an epoch", loader.size());
      loader.stateDict().forEach((key, value) -> StateText.append(text, its + key, value));
    } else {
      text.append("batches that are not shared\n");
    }
    copy.agree(text.toString(), "");
  }
}
