package org.cooper4j.solver;

import static org.cooper4j.internal.Tensors.keep;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.internal.Readout;
import org.cooper4j.internal.RollScope;
import org.cooper4j.internal.Tensors;

/** A problem as a function of one vector. */
final class Evaluator<B> {
  /** Up to so many constraints each has its own scale, which takes a backward pass. */
  private static final int MOST_ROWS = 64;

  /** A small gradient at the start may grow, so it is not taken for more than that. */
  private static final double MOST_SCALE = 100;

  private final ConstrainedMinimizationProblem<B> problem;
  private final B batch;
  private final Variables variables;
  private final TensorVector leaves;
  private Layout layout;
  private long evaluations;

  /** Where the problem's graph is alive. */
  private record Graph(Tensor loss, Tensor violations) {}

  Evaluator(ConstrainedMinimizationProblem<B> problem, Variables variables, B batch) {
    this.problem = problem;
    this.batch = batch;
    this.variables = variables;
    leaves = keep(new TensorVector(variables.tensors().toArray(new Tensor[0])));
  }

  long evaluations() {
    return evaluations;
  }

  Layout layout() {
    return layout;
  }

  /** Goes on counting. */
  void resume(long before) {
    evaluations = before;
  }

  /**
   * Looks at the problem at the start: what constraints there are, and how steep all is.
   *
   * @param penalty to begin with
   * @return the constraints' own multipliers, scaled
   * @throws IllegalArgumentException if a solver cannot take the problem
   */
  Multipliers start(Tensor x, double penalty) {
    RollScope scope = new RollScope();
    try {
      Graph graph = graph(x);
      requireUsed(graph);
      double steepest =
          graph.loss().requires_grad()
              ? gradient(graph.loss(), torch.ones_like(graph.loss()), true)
                  .abs()
                  .max()
                  .item_double()
              : 0;
      double[] scales = scales(graph.violations());
      double objectiveScale = 1 / Math.max(1, steepest);
      if (!Double.isFinite(steepest)) {
        throw new IllegalArgumentException(
            "the gradient of the loss is NaN or infinite at the start; start elsewhere");
      }
      Tensor perUnit = layout.vector(scales);
      Tensor values = layout.ownMultipliers().mul(new Scalar(objectiveScale)).div(perUnit);
      return new Multipliers(values, perUnit, layout.floor(), objectiveScale, penalty);
    } finally {
      scope.release();
    }
  }

  /** One over the length of every constraint's gradient. */
  private double[] scales(Tensor violations) {
    int m = layout.size();
    double[] scales = new double[m];
    Random signs = new Random(0);
    int at = 0;
    for (Map.Entry<Constraint, Integer> entry : layout.sizes().entrySet()) {
      int size = entry.getValue();
      for (int i = 0; i < size; i += m <= MOST_ROWS ? 1 : size) {
        int rows = m <= MOST_ROWS ? 1 : size;
        double[] probe = new double[m];
        for (int row = 0; row < rows; row++) {
          // With random signs the gradients' products cancel: what is left is their mean length.
          probe[at + i + row] = rows == 1 || signs.nextBoolean() ? 1 : -1;
        }
        double length = 0;
        if (violations.requires_grad()) {
          Tensor gradient = gradient(violations, layout.vector(probe), true);
          length = gradient.norm().item_double() / Math.sqrt(rows);
        }
        if (!Double.isFinite(length)) {
          throw new IllegalArgumentException(
              "constraint '"
                  + entry.getKey().name().orElse("?")
                  + "': its gradient is NaN or infinite at the start; start elsewhere");
        }
        Arrays.fill(
            scales, at + i, at + i + rows, length > 1e-8 ? Math.min(1 / length, MOST_SCALE) : 1);
      }
      at += size;
    }
    return scales;
  }

  /** Evaluates the augmented Lagrangian, and its gradient. */
  Point evaluate(Tensor x, Multipliers multipliers) {
    RollScope scope = new RollScope();
    try {
      Graph graph = graph(x);
      Tensor violations = graph.violations().detach();
      Tensor weights = multipliers.weights(violations);
      Tensor gradient =
          gradient(graph, multipliers.objectiveScale(), weights.mul(multipliers.scales()));
      Tensor violated = multipliers.violated(violations);
      boolean any = layout.size() > 0;
      Tensor none = torch.zeros(new long[0], x.options());
      double[] numbers =
          Readout.values(
              torch.stack(
                  new TensorVector(
                      graph.loss().detach(),
                      any ? multipliers.penaltyTerm(weights) : none,
                      any ? violated.max() : none,
                      any ? violated.mul(multipliers.scales()).max() : none,
                      gradient.abs().max())));
      return new Point(
          keep(x.detach()),
          keep(violations),
          keep(weights),
          keep(gradient),
          multipliers.objectiveScale() * numbers[0] + numbers[1],
          numbers[0],
          Math.abs(multipliers.objectiveScale() * numbers[0]),
          numbers[2] + 0.0, // never -0
          numbers[3],
          numbers[4]);
    } finally {
      scope.release();
    }
  }

  /** The gradient of ½ ‖s max(0, g)‖² + ½ ‖s h‖². */
  Tensor violationGradient(Point point, Multipliers multipliers) {
    RollScope scope = new RollScope();
    try {
      Graph graph = graph(point.x());
      Tensor scale = multipliers.scales();
      Tensor violated = torch.maximum(point.violations(), multipliers.lowest());
      return keep(gradient(graph, 0, violated.mul(scale).mul(scale)));
    } finally {
      scope.release();
    }
  }

  private Graph graph(Tensor x) {
    variables.moveTo(x);
    evaluations++;
    CMPState state = RollScope.call("computeCMPState", () -> problem.computeCMPState(batch));
    variables.requireUnchanged();
    Tensor loss = state.loss().orElseGet(() -> torch.zeros(new long[0], x.options()));
    Tensors.requireTensor(loss, "the loss");
    if (!Tensors.isFloatingPoint(loss) || loss.numel() != 1) {
      throw new IllegalArgumentException(
          "the loss is " + Tensors.describe(loss) + "; expected a floating point scalar");
    }
    if (layout == null) {
      layout = new Layout(problem, state, x);
    }
    Tensor violations = layout.violations(state);
    if (!loss.requires_grad() && !violations.requires_grad()) {
      throw new IllegalArgumentException(
          "neither the loss nor a violation is differentiable, so that nothing says where to go;"
              + " compute them from the variables, with gradients enabled");
    }
    return new Graph(loss.to(x.device(), x.scalar_type()).squeeze(), violations);
  }

  /** A variable that is in no value stays where it is, and all would look solved. */
  private void requireUsed(Graph graph) {
    boolean[] used = new boolean[variables.tensors().size()];
    for (Tensor root : List.of(graph.loss(), graph.violations())) {
      if (root.requires_grad()) {
        TensorVector gradients = gradients(new TensorVector(root), ones(root), true);
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

  private static TensorVector ones(Tensor root) {
    return new TensorVector(torch.ones_like(root));
  }

  private Tensor gradient(Graph graph, double lossWeight, Tensor weights) {
    TensorVector roots = new TensorVector();
    TensorVector seeds = new TensorVector();
    if (graph.loss().requires_grad() && lossWeight != 0) {
      roots.push_back(graph.loss());
      seeds.push_back(torch.ones_like(graph.loss()).mul(new Scalar(lossWeight)));
    }
    if (graph.violations().requires_grad()) {
      roots.push_back(graph.violations());
      seeds.push_back(weights);
    }
    return gradient(roots, seeds, false);
  }

  private Tensor gradient(Tensor root, Tensor seed, boolean again) {
    return gradient(new TensorVector(root), new TensorVector(seed), again);
  }

  /** With respect to all variables, [n]; 0 where a root does not depend on one. */
  private Tensor gradient(TensorVector roots, TensorVector seeds, boolean again) {
    TensorVector gradients = gradients(roots, seeds, again);
    TensorVector parts = new TensorVector();
    for (int i = 0; i < variables.tensors().size(); i++) {
      Tensor gradient = gradients.get(i);
      parts.push_back(
          (gradient.defined()
                  ? (gradient.is_sparse() ? gradient.to_dense() : gradient)
                  : torch.zeros_like(variables.tensors().get(i)))
              .detach()
              .flatten());
    }
    return torch.cat(parts);
  }

  /** With respect to each variable; undefined where a root does not depend on it. */
  private TensorVector gradients(TensorVector roots, TensorVector seeds, boolean again) {
    try {
      return torch.grad(roots, leaves, seeds, new BoolOptional(again), false, true);
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

  /** Whether the problem gives other values at the same point than before. */
  boolean isNoisy(Point point, Multipliers multipliers, double noise) {
    try (Point again = evaluate(point.x(), multipliers)) {
      return !(Math.abs(again.objective() - point.objective()) <= noise
          && Math.abs(again.infeasibility() - point.infeasibility()) <= noise);
    }
  }
}
