package org.cooper4j.checkpoint;

import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Optimizer;
import org.cooper4j.internal.Document;

/**
 * A LibTorch optimizer's state in the layout of Python's {@code torch.optim.Optimizer.state_dict}:
 * {@code {"state": {index: {…}}, "param_groups": [{…, "params": [index, …]}]}}.
 */
public final class OptimizerState {
  private OptimizerState() {}

  /**
   * The state of an optimizer; its tensors are the optimizer's own.
   *
   * @param dual whether it updates multipliers: {@code param_groups} then say {@code maximize}
   * @throws IllegalStateException if the optimizer was released
   */
  @SuppressWarnings("unchecked")
  public static Map<String, Object> of(Optimizer optimizer, boolean dual) {
    requireOpen(optimizer);
    try (Document document = new Document();
        PointerScope temporaries = new PointerScope()) {
      int node = document.optimizerState(optimizer, dual);
      return (Map<String, Object>) new DocumentReader(document).read(node);
    }
  }

  /**
   * Loads a state, all of it or nothing. NaN in what an optimizer remembers, or a negative average
   * of squares, is refused: the next step would make the parameter NaN. Infinity loads, as a large
   * gradient leaves it and a run may go on with it.
   *
   * @param dual as for {@link #of}
   * @param dryRun only checks that the state fits
   * @throws IllegalArgumentException naming the key that does not fit
   * @throws IllegalStateException if the optimizer was released
   */
  public static void load(Optimizer optimizer, Object state, boolean dual, boolean dryRun) {
    requireOpen(optimizer);
    try (Document document = new Document();
        PointerScope temporaries = new PointerScope()) {
      int node = new DocumentWriter(document).write(state, "state");
      document.loadOptimizerState(optimizer, node, dual, dryRun);
    } catch (RuntimeException e) {
      throw e.getClass() == RuntimeException.class
          ? new IllegalArgumentException(e.getMessage(), e)
          : e;
    }
  }

  private static void requireOpen(Optimizer optimizer) {
    if (Objects.requireNonNull(optimizer, "optimizer").isNull()) {
      throw new IllegalStateException(
          "this "
              + optimizer.getClass().getSimpleName()
              + " was closed, or released with the PointerScope that it was made in; make it where"
              + " it lives long enough");
    }
  }
}
