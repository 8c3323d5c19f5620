package org.cooper4j.data;

import org.bytedeco.pytorch.Tensor;

/**
 * A mini-batch: the rows {@code [i, i + n)} of a data set, with {@code n} as dimension 0 of both.
 *
 * @param inputs what a model reads, shape {@code [n, …]}
 * @param targets what it should answer, shape {@code [n, …]}
 */
public record Batch(Tensor inputs, Tensor targets) {
  /**
   * What a model reads, shape {@code [n, …]}.
   *
   * @throws IllegalStateException once the loader went on to the next batch, or a PointerScope that
   *     the batch was made in has ended
   */
  @Override
  public Tensor inputs() {
    return open(inputs);
  }

  /**
   * What it should answer, shape {@code [n, …]}.
   *
   * @throws IllegalStateException as {@link #inputs()}
   */
  @Override
  public Tensor targets() {
    return open(targets);
  }

  /**
   * The number of samples.
   *
   * @throws IllegalStateException as {@link #inputs()}
   */
  public long size() {
    return inputs().size(0);
  }

  private static Tensor open(Tensor tensor) {
    if (tensor != null && tensor.isNull()) {
      throw new IllegalStateException(
          "this batch was released when the loader gave the next one or came to its end, or with a"
              + " PointerScope around it; use it before, or clone() its tensors to keep them");
    }
    return tensor;
  }

  void close() {
    inputs.close();
    targets.close();
  }
}
