package org.cooper4j.distributed;

import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Agreement;
import org.cooper4j.internal.Optimizers;
import org.cooper4j.optim.CooperOptimizer;

/** Everything that all processes have alike after a step, a line a thing, to the bit. */
final class Fingerprint {
  private final StringBuilder text = new StringBuilder();

  private Fingerprint() {}

  /** The primal variables, what belongs to constraints, and the optimizers' states. */
  static String of(CooperOptimizer<?> optimizer, String prefix) {
    Fingerprint all = new Fingerprint();
    int[] index = {0};
    Optimizers.forEachParameter(
        optimizer.primalOptimizers(),
        variable -> all.add(prefix + "primal variable " + index[0]++, variable));
    all.add(prefix + "problem", optimizer.cmp().stateDict());
    all.add(prefix + "optimizer", optimizer.stateDict());
    return all.text.toString();
  }

  private void add(String name, Object value) {
    if (value instanceof Map<?, ?> map) {
      map.forEach((key, its) -> add(name + "." + key, its));
    } else if (value instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        add(name + "." + i, list.get(i));
      }
    } else {
      text.append(name).append(" = ");
      text.append(value instanceof Tensor tensor ? Agreement.text(tensor) : String.valueOf(value));
      text.append('\n');
    }
  }
}
