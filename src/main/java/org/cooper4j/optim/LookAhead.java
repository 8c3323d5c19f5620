package org.cooper4j.optim;

import java.util.List;
import java.util.stream.Stream;
import org.cooper4j.CMPState;
import org.cooper4j.multipliers.Multiplier;
import org.cooper4j.optim.torch.ExtragradientOptimizer;

/** The evaluation half a step ahead that the extrapolating optimizers share. */
final class LookAhead<B> {
  private final ConstrainedOptimizer<B> optimizer;
  private final List<ExtragradientOptimizer> torchOptimizers;

  LookAhead(
      ConstrainedOptimizer<B> optimizer,
      List<? extends ExtragradientOptimizer> primal,
      List<? extends ExtragradientOptimizer> dual) {
    this.optimizer = optimizer;
    torchOptimizers =
        Stream.<ExtragradientOptimizer>concat(primal.stream(), dual.stream()).toList();
  }

  /** Moves there, evaluates and differentiates; if that fails, everything is back where it was. */
  RollOut evaluate(B batch) {
    try {
      torchOptimizers.forEach(ExtragradientOptimizer::extrapolation);
      optimizer.cmp().multipliers().forEach(Multiplier::postStep);
      CMPState ahead = optimizer.evaluate(batch);
      CMPState.Lagrangians lagrangians = optimizer.differentiate(ahead);
      return new RollOut(ahead, lagrangians.primal(), lagrangians.dual());
    } catch (RuntimeException | Error e) {
      torchOptimizers.forEach(ExtragradientOptimizer::retract);
      throw e;
    }
  }
}
