package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** Compares a constraint's gradient with the loss's and with the last primal step. */
final class Slopes {
  private final TensorVector variables;
  private final List<Tensor> moves = new ArrayList<>();
  private final List<Tensor> ofLoss;
  private List<Tensor> ofConstraint;
  private double length;

  /**
   * At the variables, which a step has moved.
   *
   * @param before where they were before that
   * @param loss of a graph that stays
   */
  Slopes(List<Tensor> variables, List<Tensor> before, Tensor loss) {
    this.variables = new TensorVector(variables.toArray(new Tensor[0]));
    for (int i = 0; i < before.size(); i++) {
      moves.add(variables.get(i).detach().sub(before.get(i)));
    }
    ofLoss = loss.requires_grad() ? gradients(loss, torch.ones_like(loss)) : List.of();
  }

  /** Turns to another constraint, whose gradient is that of Σ seed · violation. */
  void turnTo(Tensor violation, Tensor seed) {
    ofConstraint = gradients(violation, seed);
    length = norm(ofConstraint);
  }

  /**
   * The multiplier at which the constraint pulls as hard as the loss: on the variables that both
   * depend on, or on all variables if they share none.
   *
   * @param otherwise what it is if the loss's gradient is 0
   */
  double unit(double otherwise) {
    double shared = sum(ofConstraint, ofLoss) / length / length;
    double unit = shared > 0 ? shared : norm(ofLoss) / length;
    return unit > 0 ? unit : otherwise;
  }

  /** One over the length of the constraint's gradient. */
  double inverse() {
    return 1 / length;
  }

  /** How far the last step could have moved the constraint. */
  double reach() {
    return length > 0 ? sum(ofConstraint, moves) : Double.NaN;
  }

  /** Undefined where a variable has none. */
  private List<Tensor> gradients(Tensor root, Tensor seed) {
    TensorVector found =
        torch.grad(
            new TensorVector(root),
            variables,
            new TensorVector(seed),
            new BoolOptional(true),
            false,
            true);
    List<Tensor> gradients = new ArrayList<>();
    for (long i = 0; i < found.size(); i++) {
      Tensor gradient = found.get(i);
      gradients.add(gradient.defined() && gradient.is_sparse() ? gradient.to_dense() : gradient);
    }
    return gradients;
  }

  private static double norm(List<Tensor> vector) {
    return Math.sqrt(
        total(vector, vector, (a, b) -> precise(a).norm().to(torch.ScalarType.Double).square()));
  }

  /** Σ |a_i| |b_i|. */
  private static double sum(List<Tensor> a, List<Tensor> b) {
    return total(a, b, (x, y) -> precise(x).mul(y).abs().sum());
  }

  /** Half precision overflows in a sum of squares. */
  private static Tensor precise(Tensor x) {
    return x.element_size() < Float.BYTES ? x.to(torch.ScalarType.Float) : x;
  }

  private static double total(
      List<Tensor> a, List<Tensor> b, BiFunction<Tensor, Tensor, Tensor> part) {
    Tensor total = null;
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      if (a.get(i).defined() && b.get(i).defined()) {
        Tensor own = part.apply(a.get(i), b.get(i)).to(torch.ScalarType.Double);
        total = total == null ? own : total.add(own);
      }
    }
    return total == null ? 0 : total.item_double();
  }
}
