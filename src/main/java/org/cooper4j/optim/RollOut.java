package org.cooper4j.optim;

import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState;
import org.cooper4j.LagrangianStore;

/**
 * What a roll computed. Mirrors {@code cooper.optim.RollOut}.
 *
 * <p>Its tensors live until the same optimizer rolls again; {@code retainReference()} or a copy
 * keeps one longer, and reading one too late throws.
 *
 * @param loss f(x), a scalar; null if the problem gave none
 */
public record RollOut(
    Tensor loss,
    CMPState cmpState,
    LagrangianStore primalLagrangianStore,
    LagrangianStore dualLagrangianStore) {

  /**
   * The loss.
   *
   * @throws IllegalStateException after the next roll
   */
  @Override
  public Tensor loss() {
    if (loss != null && loss.isNull()) {
      throw new IllegalStateException(
          "this RollOut was released by the next roll; read it before rolling again");
    }
    return loss;
  }
}
