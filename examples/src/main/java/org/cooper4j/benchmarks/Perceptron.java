package org.cooper4j.benchmarks;

import static org.bytedeco.pytorch.global.torch.cross_entropy;
import static org.bytedeco.pytorch.global.torch.randint;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.relu;

import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;

/** A perceptron 784-width-width-10, its last layer's norm bounded. */
final class Perceptron extends Problem {
  private final LinearImpl first;
  private final LinearImpl second;
  private final LinearImpl last;
  private final Tensor x = randn(128, 784);
  private final Tensor y = randint(10, new long[] {128}).to(ScalarType.Long);
  private final Constraint norm =
      register("norm", new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1)));

  Perceptron(int width) {
    first = new LinearImpl(784, width);
    second = new LinearImpl(width, width);
    last = new LinearImpl(width, 10);
  }

  @Override
  Optimizer primalOptimizer() {
    TensorVector parameters = new TensorVector();
    for (LinearImpl layer : new LinearImpl[] {first, second, last}) {
      parameters.push_back(layer.weight()).push_back(layer.bias());
    }
    return new Adam(parameters, new AdamOptions(1e-3));
  }

  @Override
  public CMPState computeCMPState(Void nothing) {
    Tensor logits = last.forward(relu(second.forward(relu(first.forward(x)))));
    return CMPState.of(cross_entropy(logits, y)).lessOrEqual(norm, last.weight().square().sum(), 1);
  }
}
