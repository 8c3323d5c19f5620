package org.cooper4j.benchmarks;

import static org.bytedeco.pytorch.global.torch.full;
import static org.bytedeco.pytorch.global.torch.randint;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.rsub;

import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.formulations.AugmentedLagrangian;
import org.cooper4j.formulations.Lagrangian;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIOptions;
import org.cooper4j.penalties.IndexedPenaltyCoefficient;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;
import org.cooper4j.penalties.PenaltyCoefficientUpdater;

/** Batches of 256 constraints from a table. */
class Indexed extends Problem {
  private static final Scalar ONE = new Scalar(1.0);

  private final Tensor x = randn(256).requires_grad_(true);
  private final Tensor indices;
  private final Constraint constraint;
  private final PenaltyCoefficientUpdater updater;

  Indexed(long n, boolean augmented) {
    indices = randint(n, new long[] {256}).to(ScalarType.Long);
    updater = augmented ? new MultiplicativePenaltyCoefficientUpdater(1.0001, 1e-4, false) : null;
    constraint =
        register(
            "c",
            new Constraint(
                ConstraintType.INEQUALITY,
                augmented ? AugmentedLagrangian::new : Lagrangian::new,
                new IndexedMultiplier(n),
                augmented ? new IndexedPenaltyCoefficient(full(new long[] {n}, ONE)) : null));
  }

  /** The same with the νPI controller as dual optimizer. */
  static final class WithNuPI extends Indexed {
    WithNuPI(long n) {
      super(n, false);
    }

    @Override
    Optimizer dualOptimizer() {
      return new NuPI(dualParameters(), new NuPIOptions(1e-3));
    }
  }

  @Override
  Optimizer primalOptimizer() {
    return sgd(x);
  }

  @Override
  public CMPState computeCMPState(Void nothing) {
    return CMPState.of(x.square().sum())
        .observe(
            constraint, ConstraintState.builder(rsub(x, ONE)).constraintFeatures(indices).build());
  }

  @Override
  void after(RollOut out) {
    if (updater != null) {
      updater.step(out.cmpState().observedConstraints());
    }
  }
}
