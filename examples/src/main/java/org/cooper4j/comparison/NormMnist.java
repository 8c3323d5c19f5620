package org.cooper4j.comparison;

import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;

/** A linear classifier of digits: min cross-entropy subject to ‖w‖² ≤ 1, as Cooper's tutorial. */
final class NormMnist extends Task {
  private final LinearImpl model = new LinearImpl(28 * 28, 10);
  private final DataLoader batches =
      DataLoader.builder(Data.digits()).batchSize(128).shuffle(0).build();
  private final Constraint norm;

  NormMnist(Constraints constraints) {
    norm = register("norm", constraints.of(ConstraintType.INEQUALITY, 1, ScalarType.Float));
  }

  @Override
  protected CMPState evaluate(Batch batch) {
    return CMPState.of(torch.cross_entropy(model.forward(batch.inputs()), batch.targets()))
        .lessOrEqual(norm, model.weight().square().sum().add(model.bias().square().sum()), 1);
  }

  @Override
  protected CMPState whole() {
    return evaluate(new Batch(Data.digits().inputs(), Data.digits().targets()));
  }

  @Override
  public TensorVector variables() {
    return model.parameters();
  }

  @Override
  public Iterable<Batch> batches() {
    return batches;
  }
}
