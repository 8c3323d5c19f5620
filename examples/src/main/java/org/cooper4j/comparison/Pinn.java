package org.cooper4j.comparison;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;
import org.cooper4j.data.DataLoader;
import org.cooper4j.data.TensorDataset;

/**
 * A network that solves u″ = −π² sin πt on [0, 1]: the mean squared residual at drawn points is the
 * objective, u(0) = u(1) = 0 are the constraints, u(t) = vᵀ tanh(w t + b). Its solution is sin πt.
 */
final class Pinn extends Task {
  private static final long WIDTH = 20;
  private static final long POINTS = 1024;

  private final Tensor v = normal(1);
  private final Tensor w = normal(3);
  private final Tensor b = normal(1);
  private final Tensor ends = Tensor.create(0.0, 1.0);
  private final TensorDataset points;
  private final DataLoader batches;
  private final Constraint boundary;

  Pinn(Constraints constraints) {
    Tensor t = torch.linspace(new Scalar(0.0), new Scalar(1.0), POINTS).to(ScalarType.Double);
    points = new TensorDataset(t, t.mul(new Scalar(Math.PI)).sin().mul(new Scalar(-9.8696044)));
    batches = DataLoader.builder(points).batchSize(64).shuffle(0).build();
    boundary = register("boundary", constraints.of(ConstraintType.EQUALITY, 2, ScalarType.Double));
  }

  private static Tensor normal(double scale) {
    return torch.randn(WIDTH).to(ScalarType.Double).mul(new Scalar(scale)).requires_grad_(true);
  }

  private Tensor layer(Tensor t) {
    return t.unsqueeze(1).mul(w).add(b).tanh();
  }

  @Override
  protected CMPState evaluate(Batch batch) {
    Tensor s = layer(batch.inputs());
    Tensor slope = s.square().neg().add(new Scalar(1.0));
    Tensor second = s.mul(slope).mul(new Scalar(-2.0)).mv(v.mul(w.square()));
    return CMPState.of(second.sub(batch.targets()).square().mean())
        .equal(boundary, layer(ends).mv(v), 0);
  }

  @Override
  protected CMPState whole() {
    return evaluate(new Batch(points.inputs(), points.targets()));
  }

  @Override
  public TensorVector variables() {
    TensorVector variables = new TensorVector(v, w);
    variables.push_back(b);
    return variables;
  }

  @Override
  public Iterable<Batch> batches() {
    return batches;
  }
}
