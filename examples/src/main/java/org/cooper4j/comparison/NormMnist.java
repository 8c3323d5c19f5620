package org.cooper4j.comparison;

import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;

/** A linear classifier of digits: min cross-entropy subject to ‖w‖² ≤ 1, as Cooper's tutorial. */
final class NormMnist extends Linear {
  private final Constraint norm;

  NormMnist(Constraints constraints) {
    super(Data.digits(), 10, 128);
    norm = register("norm", constraints.of(ConstraintType.INEQUALITY, 1, ScalarType.Float));
  }

  @Override
  protected CMPState evaluate(Batch batch) {
    return CMPState.of(torch.cross_entropy(model.forward(batch.inputs()), batch.targets()))
        .lessOrEqual(norm, model.weight().square().sum().add(model.bias().square().sum()), 1);
  }
}
