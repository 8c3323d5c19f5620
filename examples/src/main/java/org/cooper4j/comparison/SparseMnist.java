package org.cooper4j.comparison;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;

/**
 * A linear classifier of digits that may look at a tenth of the pixels: each pixel has a gate that
 * is drawn from a hard concrete distribution (Louizos, Welling and Kingma, "Learning Sparse Neural
 * Networks through L0 Regularization", ICLR 2018), and the expected share of open ones is a
 * constraint (Gallego-Posada et al., "Controlled Sparsity via Constrained Optimization", NeurIPS
 * 2022).
 */
final class SparseMnist extends Linear {
  private static final double SHARE = 0.1;
  private static final double TEMPERATURE = 2.0 / 3;
  private static final double LOW = -0.1;
  private static final double HIGH = 1.1;

  private final Tensor gates = torch.zeros(28 * 28).requires_grad_(true);
  private final Constraint sparsity;

  SparseMnist(Constraints constraints) {
    super(Data.digits(), 10, 128);
    sparsity = register("sparsity", constraints.of(ConstraintType.INEQUALITY, 1, ScalarType.Float));
  }

  @Override
  protected CMPState evaluate(Batch batch) {
    Tensor noise = torch.rand_like(gates).clamp(bound(1e-6), bound(1 - 1e-6));
    return state(batch, gates.add(noise.logit()).div(new Scalar(TEMPERATURE)).sigmoid());
  }

  @Override
  protected CMPState whole() {
    return state(all(), gates.sigmoid());
  }

  private CMPState state(Batch batch, Tensor open) {
    Tensor stretched = open.mul(new Scalar(HIGH - LOW)).add(new Scalar(LOW));
    Tensor seen = batch.inputs().mul(stretched.clamp(bound(0), bound(1)));
    double closed = TEMPERATURE * Math.log(-LOW / HIGH);
    return CMPState.of(torch.cross_entropy(model.forward(seen), batch.targets()))
        .lessOrEqual(sparsity, gates.sub(new Scalar(closed)).sigmoid().mean(), SHARE);
  }

  private static ScalarOptional bound(double value) {
    return new ScalarOptional(new Scalar(value));
  }

  @Override
  public TensorVector variables() {
    TensorVector variables = new TensorVector(model.weight(), model.bias());
    variables.push_back(gates);
    return variables;
  }
}
