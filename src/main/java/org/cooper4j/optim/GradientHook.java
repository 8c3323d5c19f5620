package org.cooper4j.optim;

import java.util.Map;
import org.cooper4j.CMPState;

/**
 * Something between the backward pass and the step: looks at the gradients, or changes them.
 *
 * <pre>{@code
 * optimizer.beforePrimalStep(GradientHook.clipNorm(1.0));
 * optimizer.beforePrimalStep(gradients -> gradients.state().misc("largest", gradients.norm(INFINITY)));
 * }</pre>
 */
@FunctionalInterface
public interface GradientHook {
  /** The key under which {@link #clipNorm} keeps the norm in the state's {@code misc}. */
  String NORM = "grad_norm";

  /** Called with the gradients of a step that is about to be made. */
  void beforeStep(Gradients gradients);

  /**
   * Called with every state that the problem computes, before its backward pass. The state's graph
   * may be differentiated by {@code torch.grad} with {@code retain_graph}, and must not be
   * released.
   *
   * <p>A roll in parts calls it with the state of each part, at both of that part's evaluations;
   * one in several processes calls it in each of them. Numbers that it puts into {@code misc} are
   * averaged over parts and processes before {@link #beforeStep} sees them. An exception fails the
   * roll, as one of the evaluation does.
   *
   * @param state what {@code computeCMPState} or {@code computeViolations} gave
   */
  default void evaluated(CMPState state) {}

  /**
   * What it remembers from roll to roll, as a part of the optimizer's state dict; empty if nothing.
   */
  default Map<String, Object> stateDict() {
    return Map.of();
  }

  /**
   * Goes on from what {@link #stateDict()} gave; an empty one is of a run that had no such hook.
   *
   * @throws IllegalArgumentException naming the key that does not fit; nothing was changed
   */
  default void loadStateDict(Map<String, ?> state) {}

  /**
   * Clips to a Euclidean norm, as {@code torch.nn.utils.clip_grad_norm_}; {@code
   * rollOut.values().misc()} has the norm of before as {@value #NORM}.
   *
   * @param maxNorm at least 0; infinity only keeps the norm
   */
  static GradientHook clipNorm(double maxNorm) {
    Gradients.requireNotNegative("maxNorm", maxNorm);
    return gradients -> gradients.state().misc(NORM, gradients.clipNorm(maxNorm));
  }

  /**
   * Clips every element to ±clipValue, as {@code torch.nn.utils.clip_grad_value_}.
   *
   * @param clipValue at least 0
   */
  static GradientHook clipValue(double clipValue) {
    Gradients.requireNotNegative("clipValue", clipValue);
    return gradients -> gradients.clipValue(clipValue);
  }
}
