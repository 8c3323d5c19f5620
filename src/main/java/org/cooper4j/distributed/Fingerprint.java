package org.cooper4j.distributed;

import org.cooper4j.internal.Optimizers;
import org.cooper4j.internal.StateText;
import org.cooper4j.optim.CooperOptimizer;

/** Everything that all processes have alike after a step, a line a thing, to the bit. */
final class Fingerprint {
  private Fingerprint() {}

  /** The primal variables, what belongs to constraints, and the optimizers' states. */
  static String of(CooperOptimizer<?> optimizer, String prefix) {
    StringBuilder text = new StringBuilder();
    int[] index = {0};
    Optimizers.forEachParameter(
        optimizer.primalOptimizers(),
        variable -> StateText.append(text, prefix + "primal variable " + index[0]++, variable));
    StateText.append(text, prefix + "problem", optimizer.cmp().stateDict());
    StateText.append(text, prefix + "optimizer", optimizer.stateDict());
    return text.toString();
  }
}
