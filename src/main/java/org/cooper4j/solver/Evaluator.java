package org.cooper4j.solver;

import static org.cooper4j.internal.Tensors.keep;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.internal.Readout;
import org.cooper4j.internal.RollScope;
import org.cooper4j.internal.Tensors;

/** A problem as a function of one vector. */
final class Evaluator<B> {
  /** Up to so many constraints' gradients are measured one by one, a backward pass each. */
  private static final int MOST_ROWS = 64;

  /** So many random directions tell how long more gradients are, to a factor of two or so. */
  private static final int DIRECTIONS = 8;

  /** A gradient below this at the start may grow, so it is looked at elsewhere, too. */
  private static final double SHORT = 1e-2;

  /** A gradient below this at the start is rounding. */
  private static final double NONE = 1e-8;

  private final ConstrainedMinimizationProblem<B> problem;
  private final B batch;
  private final Variables variables;
  private final TensorVector leaves;
  private Layout layout;
  private long evaluations;

  /** Where the problem's graph is alive; the violations joined, and by their constraints. */
  private record Graph(Tensor loss, Tensor violations, List<Tensor> parts) {}

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
      double[] lengths = lengths(graph);
      requireFinite(lengths);
      double objectiveScale = 1 / Math.max(1, steepest);
      if (!Double.isFinite(steepest)) {
        throw new IllegalArgumentException(
            "the gradient of the loss is NaN or infinite at the start; start elsewhere");
      }
      Tensor perUnit = layout.vector(scales(x, lengths));
      Tensor values = layout.ownMultipliers().mul(new Scalar(objectiveScale)).div(perUnit);
      return new Multipliers(values, perUnit, layout.floor(), objectiveScale, penalty);
    } finally {
      scope.release();
    }
  }

  /**
   * Looks at the problem where another run was, for what constraints there are, and goes on
   * counting.
   *
   * @return that run's multipliers
   * @throws IllegalArgumentException if a solver cannot take the problem, or the state is of other
   *     constraints
   */
  Multipliers resume(Tensor x, MethodState state) {
    RollScope scope = new RollScope();
    try {
      requireUsed(graph(x));
      evaluations = state.count("evaluations");
      Tensor floor = layout.floor();
      Tensor values = state.tensor("multipliers");
      Tensors.requireSameShape(floor, values, "multipliers");
      return new Multipliers(
          values.to(x.device(), x.scalar_type()).clone(),
          state.tensor("scales").to(x.device(), x.scalar_type()).clone(),
          floor,
          state.number("objective_scale"),
          state.number("penalty"));
    } finally {
      scope.release();
    }
  }

  /**
   * One over the length of every constraint's gradient. One that is short at the start, but not in
   * either of two points about as far from there as the variables are large, need not be made
   * steep.
   *
   * @param lengths at x
   */
  private double[] scales(Tensor x, double[] lengths) {
    double[] longest = lengths.clone();
    if (Arrays.stream(lengths).anyMatch(length -> length > NONE && length < SHORT)) {
      for (Tensor far : List.of(away(x, 1), away(x, -1))) {
        double[] there = lengths(graph(far));
        Arrays.setAll(longest, i -> Math.max(longest[i], there[i]));
      }
    }
    double[] scales = new double[lengths.length];
    for (int i = 0; i < scales.length; i++) {
      double length = lengths[i];
      if (length >= SHORT) {
        scales[i] = 1 / length;
      } else if (length <= NONE) {
        scales[i] = 1;
      } else {
        scales[i] = Double.isFinite(longest[i]) ? Math.max(1, 1 / longest[i]) : 1 / SHORT;
      }
    }
    return scales;
  }

  /** Each variable by half to all of its size, or of 1, in a direction of its own or against it. */
  private Tensor away(Tensor x, int sign) {
    Random random = new Random(0);
    double[] direction =
        random
            .doubles(x.numel(), 0.5, 1)
            .map(length -> random.nextBoolean() ? sign * length : -sign * length)
            .toArray();
    Tensor step = x.abs().clamp_min(new Scalar(1.0)).mul(layout.vector(direction));
    return variables.box().project(x.add(step));
  }

  /** Of every constraint's gradient. */
  private double[] lengths(Graph graph) {
    if (!graph.violations().requires_grad()) {
      return new double[layout.size()];
    }
    if (layout.size() <= MOST_ROWS) {
      return lengths(graph.parts(), true);
    }
    try {
      return sampled(graph.violations());
    } catch (RuntimeException e) {
      return lengths(graph.parts(), false); // not everything can be differentiated twice
    }
  }

  /**
   * Of many at a time: the mean of (∇c · u)² over random u is ‖∇c‖², and all ∇c · u are the
   * derivatives of u · Σ w ∇c for the weights w.
   */
  private double[] sampled(Tensor violations) {
    Tensor weights = torch.zeros_like(violations).requires_grad_(true);
    TensorVector gradients =
        torch.grad(
            new TensorVector(violations),
            leaves,
            new TensorVector(weights),
            new BoolOptional(true),
            true,
            true);
    Tensor squares = torch.zeros_like(violations);
    Random random = new Random(0);
    for (int i = 0; i < DIRECTIONS; i++) {
      Tensor product = torch.zeros(new long[0], violations.options());
      for (int k = 0; k < variables.tensors().size(); k++) {
        Tensor gradient = gradients.get(k);
        if (gradient.defined()) {
          double[] direction = random.doubles(gradient.numel(), -1, 1).toArray();
          Tensor u = layout.vector(direction).view_as(variables.tensors().get(k));
          product = product.add(gradient.mul(u).sum());
        }
      }
      Tensor along =
          torch
              .grad(
                  new TensorVector(product),
                  new TensorVector(weights),
                  new TensorVector(),
                  new BoolOptional(true),
                  false,
                  false)
              .get(0);
      squares = squares.add(along.square());
    }
    // The mean of a square in [-1, 1] is a third.
    return Readout.values(squares.mul(new Scalar(3.0 / DIRECTIONS)).sqrt());
  }

  /**
   * By a backward pass each.
   *
   * @param each whether for every constraint's every element; else elements get their mean
   */
  private double[] lengths(List<Tensor> parts, boolean each) {
    double[] lengths = new double[layout.size()];
    Random signs = new Random(0);
    int at = 0;
    for (Tensor part : parts) {
      int size = (int) part.numel();
      int rows = each ? 1 : size;
      for (int i = 0; i < size; i += rows) {
        double[] probe = new double[size];
        for (int row = 0; row < rows; row++) {
          // With random signs the gradients' products cancel: what is left is their mean length.
          probe[i + row] = rows == 1 || signs.nextBoolean() ? 1 : -1;
        }
        double length = part.requires_grad() ? length(part, probe) / Math.sqrt(rows) : 0;
        Arrays.fill(lengths, at + i, at + i + rows, length);
      }
      at += size;
    }
    return lengths;
  }

  private void requireFinite(double[] lengths) {
    layout
        .named(lengths)
        .forEach(
            (name, own) -> {
              if (!Arrays.stream(own).allMatch(Double::isFinite)) {
                throw new IllegalArgumentException(
                    "constraint '"
                        + name
                        + "': its gradient is NaN or infinite at the start; start elsewhere");
              }
            });
  }

  /** Of one constraint alone, so that many are not each a walk through the graph of all. */
  private double length(Tensor part, double[] probe) {
    try (PointerScope temporaries = new PointerScope()) {
      TensorVector gradients =
          gradients(new TensorVector(part), new TensorVector(layout.vector(probe)), true);
      double square = 0;
      for (long i = 0; i < gradients.size(); i++) {
        if (gradients.get(i).defined()) {
          double norm = dense(gradients.get(i)).norm().item_double();
          square += norm * norm;
        }
      }
      return Math.sqrt(square);
    }
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
    List<Tensor> parts = layout.violations(state);
    Tensor violations = layout.join(parts);
    if (!loss.requires_grad() && !violations.requires_grad()) {
      throw new IllegalArgumentException(
          "neither the loss nor a violation is differentiable, so that nothing says where to go;"
              + " compute them from the variables, with gradients enabled");
    }
    return new Graph(loss.to(x.device(), x.scalar_type()).squeeze(), violations, parts);
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
          (gradient.defined() ? dense(gradient) : torch.zeros_like(variables.tensors().get(i)))
              .detach()
              .flatten());
    }
    return torch.cat(parts);
  }

  private static Tensor dense(Tensor gradient) {
    return gradient.is_sparse() ? gradient.to_dense() : gradient;
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
