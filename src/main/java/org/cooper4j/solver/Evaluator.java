package org.cooper4j.solver;

import static org.cooper4j.internal.Tensors.keep;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
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
  /** A gradient below this at the start may grow, so it is looked at elsewhere, too. */
  private static final double SHORT = 1e-2;

  /** A gradient below this at the start is rounding. */
  private static final double NONE = 1e-8;

  private final ConstrainedMinimizationProblem<B> problem;
  private final B batch;
  private final Variables variables;
  private Layout layout;
  private double[] first;
  private long evaluations;

  Evaluator(ConstrainedMinimizationProblem<B> problem, Variables variables, B batch) {
    this.problem = problem;
    this.batch = batch;
    this.variables = variables;
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
      Graph graph = firstGraph(x);
      double steepest = graph.steepest();
      double[] lengths = Steepness.of(graph, layout);
      requireFinite(lengths);
      if (!Double.isFinite(steepest)) {
        throw new IllegalArgumentException(
            "the gradient of the loss is NaN or infinite at the start; start elsewhere");
      }
      double objectiveScale = 1 / Math.max(1, steepest);
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
      firstGraph(x);
      evaluations = state.count("evaluations");
      Tensor floor = layout.floor();
      Tensor values = state.tensor("multipliers");
      if (values.numel() != layout.size()) {
        throw new IllegalArgumentException(
            "the loaded state has "
                + values.numel()
                + " multipliers, and this problem "
                + layout.size()
                + " constraints; load a state of this problem's, or make another solver");
      }
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
        double[] there = Steepness.of(graph(far), layout);
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
  Tensor away(Tensor x, int sign) {
    Random random = new Random(0);
    double[] direction =
        random
            .doubles(x.numel(), 0.5, 1)
            .map(length -> random.nextBoolean() ? sign * length : -sign * length)
            .toArray();
    Tensor step = x.abs().clamp_min(new Scalar(1.0)).mul(layout.vector(direction));
    return variables.box().project(x.add(step));
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

  /** Evaluates the augmented Lagrangian, and its gradient. */
  Point evaluate(Tensor x, Multipliers multipliers) {
    RollScope scope = new RollScope();
    try {
      Graph graph = graph(x);
      Tensor violations = graph.violations().detach();
      Tensor weights = multipliers.weights(violations);
      Tensor gradient =
          graph.gradient(multipliers.objectiveScale(), weights.mul(multipliers.scales()));
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

  /** Of a run, with which it is seen later whether the problem is noisy. */
  private Graph firstGraph(Tensor x) {
    Graph graph = graph(x);
    graph.requireUsed();
    first = values(graph.loss(), graph.violations());
    return graph;
  }

  private Graph graph(Tensor x) {
    variables.moveTo(x);
    evaluations++;
    CMPState state = RollScope.call("computeCMPState", () -> problem.computeCMPState(batch));
    variables.requireAt(x);
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
    return new Graph(
        loss.to(x.device(), x.scalar_type()).squeeze(), violations, parts, variables.tensors());
  }

  /** The loss, and all violations. */
  private static double[] values(Tensor loss, Tensor violations) {
    return Readout.values(
        torch.cat(new TensorVector(loss.detach().reshape(1), violations.detach())));
  }

  /** Whether the first look at the start found values that differ by more than that. */
  boolean isNoisyFromTheStart(Point start, double noise) {
    try (PointerScope temporaries = new PointerScope()) {
      Tensor objective =
          torch.full(new long[] {1}, new Scalar(start.objective()), start.x().options());
      double[] again = values(objective, start.violations());
      return IntStream.range(0, again.length)
          .anyMatch(i -> !(Math.abs(again[i] - first[i]) <= noise));
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
