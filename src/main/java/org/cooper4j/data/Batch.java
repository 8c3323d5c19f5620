package org.cooper4j.data;

import org.bytedeco.pytorch.Tensor;

/**
 * A mini-batch: the rows {@code [i, i + n)} of a data set, with {@code n} as dimension 0 of both.
 *
 * @param inputs what a model reads, shape {@code [n, …]}
 * @param targets what it should answer, shape {@code [n, …]}
 */
public record Batch(Tensor inputs, Tensor targets) {
  /** The number of samples. */
  public long size() {
    return inputs.size(0);
  }

  void close() {
    inputs.close();
    targets.close();
  }
}
