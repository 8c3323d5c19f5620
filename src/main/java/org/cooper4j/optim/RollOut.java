package org.cooper4j.optim;

import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState;
import org.cooper4j.LagrangianStore;
import org.cooper4j.RollValues;
import org.cooper4j.internal.RollScope;

/**
 * What a roll computed, at the point that it evaluated. Mirrors {@code cooper.optim.RollOut}.
 *
 * <p>Its tensors live until the same optimizer rolls again or is closed, and belong to the thread
 * that rolled. Afterwards, or in another thread, asking this RollOut for one throws
 * IllegalStateException; one that was asked for before is gone all the same, so that its own
 * methods throw JavaCPP's NullPointerException, "This pointer address is NULL." Keep {@link
 * #values()}, a copy, or the tensor itself with {@code retainReference()}.
 */
public final class RollOut {
  private final RollScope scope;
  private final Tensor loss;
  private final CMPState cmpState;
  private final LagrangianStore primalLagrangianStore;
  private final LagrangianStore dualLagrangianStore;
  private RollValues values;

  /** Made inside a roll. */
  RollOut(CMPState cmpState, LagrangianStore primal, LagrangianStore dual) {
    this(cmpState.loss().orElse(null), cmpState, primal, dual);
  }

  RollOut(Tensor loss, CMPState cmpState, LagrangianStore primal, LagrangianStore dual) {
    this.scope = RollScope.current();
    this.loss = loss;
    this.cmpState = cmpState;
    this.primalLagrangianStore = primal;
    this.dualLagrangianStore = dual;
  }

  /**
   * The loss f(x), a scalar; null if the problem gave none.
   *
   * @throws IllegalStateException after the next roll, or in another thread
   */
  public Tensor loss() {
    scope.check("the loss of this RollOut");
    return loss;
  }

  /** The state that the problem gave; what of it are no tensors may be read at any time. */
  public CMPState cmpState() {
    return cmpState;
  }

  /** The primal Lagrangian, and the multipliers and penalties that went into it. */
  public LagrangianStore primalLagrangianStore() {
    return primalLagrangianStore;
  }

  /** The dual Lagrangian; empty where no multipliers were updated. */
  public LagrangianStore dualLagrangianStore() {
    return dualLagrangianStore;
  }

  /**
   * All numbers of the roll, read at once; they may be kept, and handed to other threads. A second
   * call gives the same ones.
   *
   * @throws IllegalStateException after the next roll, or in another thread
   */
  public RollValues values() {
    scope.check("this RollOut");
    if (values == null) {
      values = RollValues.of(cmpState, primalLagrangianStore, dualLagrangianStore);
    }
    return values;
  }

  /** What it holds; no values, which might have to be waited for. */
  @Override
  public String toString() {
    return "RollOut(" + cmpState + ", " + primalLagrangianStore + ", " + dualLagrangianStore + ")";
  }
}
