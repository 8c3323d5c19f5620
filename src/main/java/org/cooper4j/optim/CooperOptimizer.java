package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Optimizer;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.checkpoint.OptimizerState;
import org.cooper4j.internal.Native;

/**
 * Drives LibTorch optimizers through a problem. Mirrors {@code cooper.optim.CooperOptimizer}.
 *
 * <p>An optimizer belongs to one thread at a time.
 *
 * @param <B> what the problem's evaluation needs
 */
public abstract class CooperOptimizer<B> {
  private final ConstrainedMinimizationProblem<B> cmp;
  private final List<Optimizer> primalOptimizers;
  private final List<Optimizer> dualOptimizers;
  private final long primalParameters;
  private PointerScope lastRoll;

  CooperOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends Optimizer> primalOptimizers,
      List<? extends Optimizer> dualOptimizers) {
    this.cmp = Objects.requireNonNull(cmp, "cmp");
    this.primalOptimizers = List.copyOf(primalOptimizers);
    this.dualOptimizers = List.copyOf(dualOptimizers);
    if (primalOptimizers.isEmpty()) {
      throw new IllegalArgumentException("no primal optimizer was given; give at least one");
    }
    primalParameters = this.primalOptimizers.stream().mapToLong(Native::numel).sum();
  }

  public final ConstrainedMinimizationProblem<B> cmp() {
    return cmp;
  }

  public final List<Optimizer> primalOptimizers() {
    return primalOptimizers;
  }

  /** The dual optimizers; none for unconstrained problems. */
  public final List<Optimizer> dualOptimizers() {
    return dualOptimizers;
  }

  /**
   * Evaluates the problem and updates its variables. The temporaries that the problem makes are
   * released by the next roll, or right away if the evaluation throws; no scope is needed around
   * it.
   *
   * @param batch what {@code computeCMPState} is given
   * @throws IllegalArgumentException naming the constraint that does not fit, before any variable
   *     changed
   */
  public final RollOut roll(B batch) {
    return roll(batch, batch);
  }

  /** Rolls a problem whose evaluation needs nothing. */
  public final RollOut roll() {
    return roll(null);
  }

  RollOut roll(B batch, B violationsBatch) {
    releaseLastRoll();
    Native.useThreadsFor(primalParameters);
    PointerScope scope = new PointerScope();
    try {
      RollOut rollOut = update(batch, violationsBatch);
      scope.extend();
      lastRoll = scope;
      return rollOut;
    } finally {
      scope.close();
    }
  }

  abstract RollOut update(B batch, B violationsBatch);

  /** Clears the gradients of primal and dual variables. */
  public final void zeroGrad() {
    primalOptimizers.forEach(optimizer -> optimizer.zero_grad(true));
    dualOptimizers.forEach(optimizer -> optimizer.zero_grad(true));
  }

  /** Steps the primal optimizers. */
  public final void primalStep() {
    primalOptimizers.forEach(Native::step);
  }

  /**
   * The optimizers' states in Python's layout: {@code {"primal_optimizer_states": […],
   * "dual_optimizer_states": […] or null}}.
   */
  public final Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("primal_optimizer_states", states(primalOptimizers, false));
    state.put(
        "dual_optimizer_states", dualOptimizers.isEmpty() ? null : states(dualOptimizers, true));
    return state;
  }

  private static List<Object> states(List<Optimizer> optimizers, boolean dual) {
    List<Object> states = new ArrayList<>();
    optimizers.forEach(optimizer -> states.add(OptimizerState.of(optimizer, dual)));
    return states;
  }

  /**
   * Loads what {@link #stateDict()} gave, here or in Python; all of it or nothing. Gradients of
   * before are cleared.
   *
   * @throws IllegalArgumentException naming the key that does not fit
   */
  public final void loadStateDict(Map<String, ?> state) {
    for (boolean dry : new boolean[] {true, false}) {
      load(state, "primal_optimizer_states", primalOptimizers, false, dry);
      load(state, "dual_optimizer_states", dualOptimizers, true, dry);
    }
    zeroGrad();
  }

  private static void load(
      Map<String, ?> state, String key, List<Optimizer> optimizers, boolean dual, boolean dry) {
    List<?> states = state.get(key) instanceof List<?> list ? list : List.of();
    if (states.size() != optimizers.size()) {
      throw new IllegalArgumentException(
          key + ": expected " + optimizers.size() + " states, found " + states.size());
    }
    for (int i = 0; i < optimizers.size(); i++) {
      try {
        OptimizerState.load(optimizers.get(i), states.get(i), dual, dry);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(key + "[" + i + "]." + e.getMessage(), e);
      }
    }
  }

  private void releaseLastRoll() {
    if (lastRoll != null) {
      lastRoll.close();
      lastRoll = null;
    }
  }
}
