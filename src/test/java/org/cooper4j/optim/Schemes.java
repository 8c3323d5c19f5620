package org.cooper4j.optim;

import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.optim.torch.ExtraSGD;
import org.cooper4j.optim.torch.ExtraSGDOptions;

/** Every constrained optimizer, over gradient descent. */
public enum Schemes {
  SIMULTANEOUS,
  ALTERNATING_DUAL_PRIMAL,
  ALTERNATING_PRIMAL_DUAL,
  EXTRAPOLATION,
  PAST_EXTRAPOLATION;

  public <B> ConstrainedOptimizer<B> sgd(
      ConstrainedMinimizationProblem<B> problem, TensorVector primal, double lr) {
    TensorVector dual = problem.dualParameters();
    return switch (this) {
      case SIMULTANEOUS ->
          new SimultaneousOptimizer<>(
              problem, new SGD(primal, new SGDOptions(lr)), new SGD(dual, new SGDOptions(lr)));
      case ALTERNATING_DUAL_PRIMAL ->
          new AlternatingDualPrimalOptimizer<>(
              problem, new SGD(primal, new SGDOptions(lr)), new SGD(dual, new SGDOptions(lr)));
      case ALTERNATING_PRIMAL_DUAL ->
          new AlternatingPrimalDualOptimizer<>(
              problem, new SGD(primal, new SGDOptions(lr)), new SGD(dual, new SGDOptions(lr)));
      case EXTRAPOLATION ->
          new ExtrapolationConstrainedOptimizer<>(
              problem,
              new ExtraSGD(primal, new ExtraSGDOptions(lr)),
              new ExtraSGD(dual, new ExtraSGDOptions(lr)));
      case PAST_EXTRAPOLATION ->
          new PastExtrapolationConstrainedOptimizer<>(
              problem,
              new ExtraSGD(primal, new ExtraSGDOptions(lr)),
              new ExtraSGD(dual, new ExtraSGDOptions(lr)));
    };
  }
}
