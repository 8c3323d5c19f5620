package org.cooper4j.examples;

import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;
import org.cooper4j.multipliers.DenseMultiplier;

/** Cross-entropy of a linear classifier, subject to ‖weight‖² + ‖bias‖² ≤ constraintLevel. */
final class NormConstrainedLogisticRegression extends ConstrainedMinimizationProblem<Batch> {
  final Constraint normConstraint;
  private final LinearImpl model;
  private final double constraintLevel;

  NormConstrainedLogisticRegression(LinearImpl model, double constraintLevel, Device device) {
    this.model = model;
    this.constraintLevel = constraintLevel;

    // The multiplier must be on the same device as the model.
    DenseMultiplier multiplier = new DenseMultiplier(1, device, ScalarType.Float);
    normConstraint =
        register("norm_constraint", new Constraint(ConstraintType.INEQUALITY, multiplier));
  }

  @Override
  public CMPState computeCMPState(Batch batch) {
    Tensor logits = model.forward(batch.inputs().view(batch.size(), -1));
    Tensor loss = torch.cross_entropy(logits, batch.targets());
    Tensor hits = logits.argmax(new LongOptional(1), false).eq(batch.targets());

    Tensor squaredNorm = squared(model.weight()).add(squared(model.bias()));

    return CMPState.of(loss)
        .lessOrEqual(normConstraint, squaredNorm, constraintLevel)
        .misc("accuracy", hits.to(ScalarType.Float).mean());
  }

  private static Tensor squared(Tensor tensor) {
    return tensor.pow(new Scalar(2)).sum();
  }
}
