package org.cooper4j.benchmarks;

import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.rsub;

import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;

/** min |x|² subject to x >= 1, all elements one constraint. */
final class Dense extends Problem {
  private static final Scalar ONE = new Scalar(1.0);

  private final Tensor x;
  private final Constraint constraint;

  Dense(int n) {
    x = randn(n).requires_grad_(true);
    constraint = register("c", new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(n)));
  }

  @Override
  Optimizer primalOptimizer() {
    return sgd(x);
  }

  @Override
  public CMPState computeCMPState(Void nothing) {
    return CMPState.of(x.square().sum()).observe(constraint, rsub(x, ONE));
  }
}
