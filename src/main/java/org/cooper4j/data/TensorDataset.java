package org.cooper4j.data;

import java.util.Arrays;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Native;
import org.cooper4j.internal.Tensors;

/**
 * A data set that lies in memory as two tensors of equal length. Mirrors {@code
 * torch.utils.data.TensorDataset}.
 *
 * <p>It owns the two tensors: {@link #close()} closes them. Batches that a {@link DataLoader} made
 * from them stay valid, since LibTorch counts references.
 */
public final class TensorDataset implements AutoCloseable {
  static {
    Native.load(); // before LibTorch is loaded otherwise, so that its threads sleep when idle
  }

  private final Tensor inputs;
  private final Tensor targets;

  /**
   * Takes ownership of two tensors.
   *
   * @param inputs shape {@code [n, …]}
   * @param targets shape {@code [n, …]}
   * @throws IllegalArgumentException if one has no dimension, is null or was released, or their
   *     first dimensions or their devices differ
   */
  public TensorDataset(Tensor inputs, Tensor targets) {
    Tensors.requireTensor(inputs, "inputs");
    Tensors.requireTensor(targets, "targets");
    if (inputs.dim() == 0 || targets.dim() == 0 || inputs.size(0) != targets.size(0)) {
      throw new IllegalArgumentException(
          "inputs and targets need as many rows as each other, but have the shapes "
              + Arrays.toString(inputs.shape())
              + " and "
              + Arrays.toString(targets.shape()));
    }
    try (Device ours = inputs.device();
        Device theirs = targets.device()) {
      if (ours.notEquals(theirs)) {
        throw new IllegalArgumentException(
            "inputs are on "
                + ours.str().getString()
                + ", targets on "
                + theirs.str().getString()
                + "; move them to one device");
      }
    }
    this.inputs = inputs;
    this.targets = targets;
  }

  /**
   * All inputs, shape {@code [n, …]}.
   *
   * @throws IllegalStateException after {@link #close()}
   */
  public Tensor inputs() {
    return open(inputs);
  }

  /**
   * All targets, shape {@code [n, …]}.
   *
   * @throws IllegalStateException after {@link #close()}
   */
  public Tensor targets() {
    return open(targets);
  }

  /**
   * The number of samples.
   *
   * @throws IllegalStateException after {@link #close()}
   */
  public long size() {
    return inputs().size(0);
  }

  private static Tensor open(Tensor tensor) {
    if (tensor.isNull()) {
      throw new IllegalStateException(
          "this data set was closed, or released with the PointerScope that its tensors were made"
              + " in; read it before, or make them outside");
    }
    return tensor;
  }

  @Override
  public void close() {
    inputs.close();
    targets.close();
  }
}
