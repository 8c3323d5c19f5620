package org.cooper4j.multipliers;

import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Multipliers of constraints that are all observed at every step; {@code weight} has shape
 * [num_constraints]. Mirrors {@code cooper.multipliers.DenseMultiplier}.
 */
public final class DenseMultiplier extends ExplicitMultiplier {
  /** Zeros, float32, on the CPU. */
  public DenseMultiplier(long numConstraints) {
    this(numConstraints, new Device("cpu"), ScalarType.Float);
  }

  /** Zeros. */
  public DenseMultiplier(long numConstraints, Device device, ScalarType dtype) {
    super(zeros(numConstraints, device, dtype).requires_grad_(true));
  }

  /**
   * Starts at given values; device and dtype are theirs (Cooper makes float32 of every dtype).
   *
   * @param init [num_constraints], floating point, finite, at least one; copied
   * @throws IllegalArgumentException if it is anything else
   */
  public DenseMultiplier(Tensor init) {
    super(copyOf(init).requires_grad_(true));
  }

  @Override
  public boolean expectsConstraintFeatures() {
    return false;
  }

  @Override
  public Tensor forward(Tensor constraintFeatures) {
    return weight().clone();
  }
}
