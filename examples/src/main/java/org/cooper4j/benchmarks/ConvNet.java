package org.cooper4j.benchmarks;

import static org.bytedeco.pytorch.global.torch.conv2d;
import static org.bytedeco.pytorch.global.torch.cross_entropy;
import static org.bytedeco.pytorch.global.torch.randint;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.relu;
import static org.bytedeco.pytorch.global.torch.zeros;

import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;

/** Three 3x3 convolutions over images of 32x32, the last layer's norm bounded. */
final class ConvNet extends Problem {
  private static final long[] ONE = {1, 1};

  private static final class Convolution {
    final Tensor weight;
    final Tensor bias;

    Convolution(int in, int out) {
      weight = randn(out, in, 3, 3).mul(new Scalar(0.05)).requires_grad_(true);
      bias = zeros(out).requires_grad_(true);
    }

    Tensor forward(Tensor x) {
      return relu(conv2d(x, weight, new TensorOptional(bias), ONE, ONE, ONE, 1));
    }
  }

  private final Convolution[] convolutions = {
    new Convolution(3, 32), new Convolution(32, 64), new Convolution(64, 64)
  };
  private final LinearImpl last = new LinearImpl(64, 10);
  private final Tensor x = randn(64, 3, 32, 32);
  private final Tensor y = randint(10, new long[] {64}).to(ScalarType.Long);
  private final Constraint norm =
      register("norm", new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1)));

  @Override
  Optimizer primalOptimizer() {
    TensorVector parameters = new TensorVector(last.weight(), last.bias());
    for (Convolution convolution : convolutions) {
      parameters.push_back(convolution.weight).push_back(convolution.bias);
    }
    return new Adam(parameters, new AdamOptions(1e-3));
  }

  @Override
  public CMPState computeCMPState(Void nothing) {
    Tensor features = x;
    for (Convolution convolution : convolutions) {
      features = convolution.forward(features);
    }
    return CMPState.of(cross_entropy(last.forward(features.mean(2, 3)), y))
        .lessOrEqual(norm, last.weight().square().sum(), 1);
  }
}
