package org.cooper4j.benchmarks;

import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.rsub;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.RollOut;
import org.cooper4j.penalties.DensePenaltyCoefficient;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;
import org.cooper4j.penalties.PenaltyCoefficientUpdater;

/** min |x|² subject to x_k >= 1, each element a constraint of its own. */
final class Groups extends Problem {
  private static final Scalar ONE = new Scalar(1.0);

  private final boolean bounds;
  private final Tensor x;
  private final List<Constraint> groups = new ArrayList<>();
  private final PenaltyCoefficientUpdater updater;

  /**
   * Has n constraints.
   *
   * @param bounds says {@code greaterOrEqual}, else observes {@code 1 - x[k]} as Cooper does
   */
  Groups(int n, boolean augmented, boolean bounds) {
    this.bounds = bounds;
    x = randn(n).requires_grad_(true);
    updater = augmented ? new MultiplicativePenaltyCoefficientUpdater(1.0001, 1e-4, false) : null;
    for (int k = 0; k < n; k++) {
      Constraint group =
          new Constraint(
              ConstraintType.INEQUALITY,
              augmented ? AugmentedLagrangian::new : Lagrangian::new,
              new DenseMultiplier(1),
              augmented ? new DensePenaltyCoefficient(Tensor.create(1f)) : null);
      groups.add(register("c" + k, group));
    }
  }

  @Override
  Optimizer primalOptimizer() {
    return sgd(x);
  }

  @Override
  public CMPState computeCMPState(Void nothing) {
    CMPState state = CMPState.of(x.square().sum());
    for (int k = 0; k < groups.size(); k++) {
      if (bounds) {
        state.greaterOrEqual(groups.get(k), x.select(0, k), 1);
      } else {
        state.observe(groups.get(k), rsub(x.select(0, k), ONE));
      }
    }
    return state;
  }

  @Override
  void after(RollOut out) {
    if (updater != null) {
      updater.step(out.cmpState().observedConstraints());
    }
  }
}
