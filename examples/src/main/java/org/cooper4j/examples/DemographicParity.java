package org.cooper4j.examples;

import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;
import org.cooper4j.multipliers.DenseMultiplier;

/**
 * min cross-entropy subject to |r(group 1) − r(group 0)| ≤ level, where r is the rate of positive
 * predictions: two inequalities, gap − level ≤ 0 and −gap − level ≤ 0.
 *
 * <p>The rates are not differentiable: they are the strict violations, which the multipliers see.
 * The model sees those of a surrogate, the mean probability in place of the rate.
 *
 * <p>A batch has targets {@code [n, 2]}: the label and the group, each 0 or 1. A level of 1 is no
 * constraint.
 */
final class DemographicParity extends ConstrainedMinimizationProblem<Batch> {
  final DenseMultiplier multiplier;
  private final UnaryOperator<Tensor> classifier;
  private final double level;
  private final Constraint parity;

  /**
   * @param classifier maps inputs to logits {@code [n]}
   */
  DemographicParity(UnaryOperator<Tensor> classifier, double level, Device device) {
    this.classifier = classifier;
    this.level = level;
    multiplier = new DenseMultiplier(2, device, ScalarType.Float);
    parity = register("parity", new Constraint(ConstraintType.INEQUALITY, multiplier));
  }

  @Override
  public CMPState computeCMPState(Batch batch) {
    Tensor logits = classifier.apply(batch.inputs());
    Tensor loss = torch.binary_cross_entropy_with_logits(logits, label(batch));
    return CMPState.of(loss)
        .observe(
            parity,
            ConstraintState.builder(violation(gap(logits.sigmoid(), batch)))
                .strictViolation(violation(gap(positive(logits.detach()), batch)))
                .build());
  }

  private Tensor violation(Tensor gap) {
    return torch.stack(new TensorVector(gap, gap.neg())).sub(new Scalar(level));
  }

  /** Predictions, 1 for positive and 0 for negative. */
  static Tensor positive(Tensor logits) {
    return logits.gt(new Scalar(0.0)).to(ScalarType.Float);
  }

  /** The labels, {@code [n]}. */
  static Tensor label(Batch batch) {
    return batch.targets().select(1, 0);
  }

  /** The mean of scores {@code [n]} in group 1 minus that in group 0. */
  static Tensor gap(Tensor scores, Batch batch) {
    Tensor group = batch.targets().select(1, 1);
    Tensor other = group.neg().add(new Scalar(1.0));
    return scores.dot(group).div(group.sum()).sub(scores.dot(other).div(other.sum()));
  }
}
