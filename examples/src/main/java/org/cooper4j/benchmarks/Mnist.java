package org.cooper4j.benchmarks;

import static org.bytedeco.pytorch.global.torch.cross_entropy;
import static org.bytedeco.pytorch.global.torch.randint;
import static org.bytedeco.pytorch.global.torch.randn;

import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.RollOut;

/** The tutorial's step, and what a training loop does with it. */
final class Mnist extends Problem {
  /** What is read after a step. */
  enum Reading {
    NOTHING,
    FOUR_TENSORS,
    ALL_VALUES
  }

  private static final Scalar ONE = new Scalar(1.0);

  private final Reading reading;
  private final LinearImpl model = new LinearImpl(784, 10);
  private final Tensor x = randn(128, 784);
  private final Tensor y = randint(10, new long[] {128}).to(ScalarType.Long);
  private final Constraint norm =
      register("norm", new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1)));

  Mnist(Reading reading) {
    this.reading = reading;
  }

  @Override
  Optimizer primalOptimizer() {
    AdamOptions options = new AdamOptions(1e-3);
    options.amsgrad().put(true);
    return new Adam(model.parameters(), options);
  }

  @Override
  public CMPState computeCMPState(Void nothing) {
    Tensor logits = model.forward(x);
    Tensor squared = model.weight().square().sum().add(model.bias().square().sum());
    Tensor accuracy = logits.argmax(new LongOptional(1), false).eq(y).to(ScalarType.Float).mean();
    return CMPState.of(cross_entropy(logits, y))
        .observe(norm, squared.sub(ONE))
        .misc("accuracy", accuracy);
  }

  @Override
  void after(RollOut out) {
    switch (reading) {
      case NOTHING -> {}
      case FOUR_TENSORS -> {
        out.loss().item_float();
        ((Tensor) out.cmpState().misc().get("accuracy")).item_float();
        out.cmpState().observedConstraints().get(norm).violation().item_float();
        norm.multiplier().orElseThrow().parameters().get(0).item_float();
      }
      case ALL_VALUES -> out.values();
    }
  }
}
