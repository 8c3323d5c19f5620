package org.cooper4j.optim;

import java.lang.ref.Reference;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState;
import org.cooper4j.internal.Native;

/**
 * The problem at one point, as a roll works with it: the state that the Lagrangian is made of, and
 * the way that gradients take from there to the variables.
 *
 * <p>Of an evaluation at once that way is the graph of the state, which autograd goes. Where the
 * state is made of several evaluations, of micro-batches or in other processes, the graph ends in
 * leaves, from where {@link #backward} goes on.
 */
public interface Evaluation {
  /** Loss and violations, differentiable as far as the graph of this evaluation reaches. */
  CMPState state();

  /**
   * One backward pass: from tensors of the state's graph, and from the leaves where that ends, with
   * the gradients that these have by now, down to the variables. Called once or never.
   *
   * @param roots what requires grad; none if a pass over the state's graph was made before
   * @param gradients of the roots, of their shapes and dtypes
   */
  void backward(List<Tensor> roots, List<Tensor> gradients);

  /** Of values that are NaN or infinite, which copies of the program evaluated them so, or "". */
  default String notFinite() {
    return "";
  }

  /** One whose state's graph reaches the variables. */
  static Evaluation of(CMPState state) {
    return new Evaluation() {
      @Override
      public CMPState state() {
        return state;
      }

      @Override
      public void backward(List<Tensor> roots, List<Tensor> gradients) {
        Evaluation.pass(roots, gradients);
      }
    };
  }

  /** A backward pass over the graph alone; does nothing without roots. */
  static void pass(List<Tensor> roots, List<Tensor> gradients) {
    if (!roots.isEmpty()) {
      Native.backward(
          roots.stream().mapToLong(Tensor::address).toArray(),
          gradients.stream().mapToLong(Tensor::address).toArray(),
          roots.size());
    }
    Reference.reachabilityFence(roots);
    Reference.reachabilityFence(gradients);
  }
}
