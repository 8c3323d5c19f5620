package org.cooper4j.solver;

import java.util.List;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * What an evaluation made, while its graph is alive, and its derivatives with respect to the
 * variables.
 *
 * @param loss a scalar
 * @param violations joined, [m]
 * @param parts the same by their constraints
 * @param variables the problem's own tensors
 */
record Graph(Tensor loss, Tensor violations, List<Tensor> parts, List<Tensor> variables) {

  /** The largest derivative of the loss; the graph stays. */
  double steepest() {
    return loss.requires_grad()
        ? joined(gradients(loss, torch.ones_like(loss))).abs().max().item_double()
        : 0;
  }

  /** Of the loss times its weight plus the violations times theirs, [n]; the graph ends with it. */
  Tensor gradient(double lossWeight, Tensor weights) {
    TensorVector roots = new TensorVector();
    TensorVector seeds = new TensorVector();
    if (loss.requires_grad() && lossWeight != 0) {
      roots.push_back(loss);
      seeds.push_back(torch.ones_like(loss).mul(new Scalar(lossWeight)));
    }
    if (violations.requires_grad()) {
      roots.push_back(violations);
      seeds.push_back(weights);
    }
    return joined(gradients(roots, seeds, false, false));
  }

  /** With respect to each variable, undefined where the root does not depend on it. */
  TensorVector gradients(Tensor root, Tensor seed) {
    return gradients(new TensorVector(root), new TensorVector(seed), true, false);
  }

  /** Likewise, to be differentiated again. */
  TensorVector differentiableGradients(Tensor root, Tensor seed) {
    return gradients(new TensorVector(root), new TensorVector(seed), true, true);
  }

  private TensorVector gradients(
      TensorVector roots, TensorVector seeds, boolean again, boolean differentiable) {
    TensorVector leaves = new TensorVector(variables.toArray(new Tensor[0]));
    try {
      return torch.grad(roots, leaves, seeds, new BoolOptional(again), differentiable, true);
    } catch (RuntimeException e) {
      if (String.valueOf(e.getMessage()).contains("backward through the graph a second time")) {
        throw new IllegalStateException(
            "computeCMPState must build its graph anew every time, and not call backward(): "
                + e.getMessage(),
            e);
      }
      throw e;
    }
  }

  /** Of all variables, [n]; 0 where it is undefined. */
  private Tensor joined(TensorVector gradients) {
    TensorVector all = new TensorVector();
    for (int i = 0; i < variables.size(); i++) {
      Tensor gradient = gradients.get(i);
      all.push_back(
          (gradient.defined() ? dense(gradient) : torch.zeros_like(variables.get(i)))
              .detach()
              .flatten());
    }
    return torch.cat(all);
  }

  static Tensor dense(Tensor gradient) {
    return gradient.is_sparse() ? gradient.to_dense() : gradient;
  }

  /** A variable that is in no value stays where it is, and all would look solved. */
  void requireUsed() {
    boolean[] used = new boolean[variables.size()];
    for (Tensor root : List.of(loss, violations)) {
      if (root.requires_grad()) {
        TensorVector gradients = gradients(root, torch.ones_like(root));
        for (int i = 0; i < used.length; i++) {
          used[i] |= gradients.get(i).defined();
        }
      }
    }
    for (int i = 0; i < used.length; i++) {
      if (!used[i]) {
        throw new IllegalArgumentException(
            "variable "
                + i
                + " is in neither the loss nor a violation; give the solver the tensors that"
                + " computeCMPState uses");
      }
    }
  }
}
