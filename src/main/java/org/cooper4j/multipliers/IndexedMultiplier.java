package org.cooper4j.multipliers;

import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.internal.Tensors;

/**
 * Multipliers of constraints of which each step observes a few, named by int64 indices; {@code
 * weight} has shape [num_constraints, 1] and sparse gradients. Mirrors {@code
 * cooper.multipliers.IndexedMultiplier}.
 */
public final class IndexedMultiplier extends ExplicitMultiplier {
  /** Zeros, float32, on the CPU. */
  public IndexedMultiplier(long numConstraints) {
    this(numConstraints, new Device("cpu"), ScalarType.Float);
  }

  /** Zeros. */
  public IndexedMultiplier(long numConstraints, Device device, ScalarType dtype) {
    super(zeros(numConstraints, device, dtype).unsqueeze(1).requires_grad_(true));
  }

  /**
   * Starts at given values; device and dtype are theirs.
   *
   * @param init [num_constraints], floating point, finite, at least one; copied
   * @throws IllegalArgumentException if it is anything else
   */
  public IndexedMultiplier(Tensor init) {
    super(copyOf(init).unsqueeze(1).requires_grad_(true));
  }

  @Override
  public boolean expectsConstraintFeatures() {
    return true;
  }

  /**
   * The values at the given indices.
   *
   * @param constraintFeatures int64 [m]
   * @return [m]
   * @throws IllegalArgumentException if they are of another dtype, or one is out of range
   */
  @Override
  public Tensor forward(Tensor constraintFeatures) {
    Tensors.requireIndices(constraintFeatures, numConstraints());
    return open().index_select(0, constraintFeatures).flatten();
  }

  /**
   * Projects the rows of the last (sparse) gradient: enough after a step that moved no others, and
   * its cost is the batch's, not the table's. {@link #postStep()} projects all rows. Bounds and
   * leak likewise.
   */
  public void postStepOfGradientRows() {
    postStep(true);
  }
}
