package org.cooper4j.solver;

import static org.cooper4j.internal.Tensors.keep;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Readout;
import org.cooper4j.internal.Tensors;
import org.cooper4j.solver.Solution.Status;

/** One run of the method of multipliers. */
final class Method<B> {
  private static final double FIRST_PENALTY = 10;
  private static final double MOST_PENALTY = 1e12;
  private static final double PENALTY_FACTOR = 10;
  private static final double PROGRESS = 0.1;
  private static final double FIRST_TOLERANCE = 0.1;
  private static final double STEEPEST = 100;
  private static final int PATIENCE = 10;
  private static final long NOWHERE = -1;
  private static final long VERDICT = 2000; // evaluations, whatever the limit
  private static final String NOISY =
      "the problem is not deterministic: it gives other values at the same point; put modules into"
          + " eval(), and use one batch";

  private final Variables variables;
  private final Evaluator<B> evaluator;
  private final Box box;
  private final double tolerance;
  private final Multipliers multipliers;
  private final Curvature curvature;
  private final double precision;
  private final LineSearch<B> lineSearch;
  private final Descent<B> descent;
  private final long limit;

  private Tensor x;
  private double innerTolerance = FIRST_TOLERANCE;
  private double previous = Double.POSITIVE_INFINITY;
  private int iterations;
  private Best best;
  private int sinceBest;
  private boolean knownToBeDeterministic;
  private long evaluationsToReach = NOWHERE; // the point in which a descent was broken off

  /** The point with the least residual. */
  private record Best(Tensor x, Solution solution) {}

  Method(
      Variables variables,
      Evaluator<B> evaluator,
      double tolerance,
      long maxEvaluations,
      int historySize,
      MethodState resumed) {
    this.variables = variables;
    this.evaluator = evaluator;
    this.tolerance = tolerance;
    box = variables.box();
    Tensor start = variables.position();
    x = keep(box.project(resumed == null ? start : like(start, resumed.tensor("x"))).clone());
    multipliers =
        resumed == null ? evaluator.start(x, FIRST_PENALTY) : evaluator.resume(x, resumed);
    curvature = new Curvature(historySize, x);
    precision = variables.isFloat64() ? Math.ulp(1.0) : Math.ulp(1f);
    lineSearch = new LineSearch<>(evaluator, box, precision);
    descent = new Descent<>(evaluator, box, curvature, lineSearch);
    // Looking again at where the other run was is not of this run's evaluations.
    long before = resumed == null ? 0 : evaluator.evaluations() + 1;
    limit = before + Math.min(maxEvaluations, Long.MAX_VALUE - before);
    descent.limit(limit);
    if (resumed != null) {
      resume(resumed);
    }
  }

  private static Tensor like(Tensor tensor, Tensor saved) {
    return saved.to(tensor.device(), tensor.scalar_type());
  }

  private void resume(MethodState state) {
    curvature.restore(state.tensor("pairs"), state.count("pairs_count"), state.count("pairs_next"));
    innerTolerance = state.number("inner_tolerance");
    previous = state.number("previous_residual");
    iterations = state.count("iterations");
    descent.resume(state.count("steps"));
    sinceBest = state.count("since_best");
    Tensor bestX = state.hasBest() ? like(x, state.tensor("best_x")) : null;
    if (bestX == null || !box.project(bestX).equal(bestX)) {
      return; // None yet, or it was within other bounds.
    }
    Solution solution =
        new Solution(
            Status.RUNNING,
            "",
            iterations,
            descent.steps(),
            evaluator.evaluations(),
            state.number("best_objective"),
            state.number("best_infeasibility"),
            state.number("best_stationarity"),
            state.number("best_gap"),
            state.number("best_penalty"),
            evaluator.layout().named(Readout.values(state.tensor("best_multipliers"))));
    best = new Best(keep(bestX.clone()), solution);
  }

  MethodState state() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("x", x);
    tensors.put("multipliers", multipliers.values());
    tensors.put("scales", multipliers.scales());
    tensors.put("pairs", curvature.rows());
    Map<String, Double> numbers = new LinkedHashMap<>();
    numbers.put("objective_scale", multipliers.objectiveScale());
    numbers.put("penalty", multipliers.penalty());
    numbers.put("inner_tolerance", innerTolerance);
    numbers.put("previous_residual", previous);
    numbers.put("iterations", (double) iterations);
    numbers.put("steps", (double) descent.steps());
    numbers.put(
        "evaluations",
        (double) (evaluationsToReach == NOWHERE ? evaluator.evaluations() : evaluationsToReach));
    numbers.put("pairs_count", (double) curvature.pairs());
    numbers.put("pairs_next", (double) curvature.next());
    numbers.put("since_best", (double) sinceBest);
    if (best != null) {
      tensors.put("best_x", best.x());
      double[] multipliersOfBest = evaluator.layout().joined(best.solution().multipliers());
      tensors.put("best_multipliers", Tensor.create(multipliersOfBest, multipliersOfBest.length));
      numbers.put("best_objective", best.solution().objective());
      numbers.put("best_infeasibility", best.solution().infeasibility());
      numbers.put("best_stationarity", best.solution().stationarity());
      numbers.put("best_gap", best.solution().gap());
      numbers.put("best_penalty", best.solution().penalty());
    }
    return new MethodState(tensors, numbers);
  }

  /** Iterates until there is something to say. */
  Solution run(Predicate<Solution> goOn) {
    for (boolean first = true; ; first = false) {
      Descent.End end;
      Solution solution;
      try (PointerScope temporaries = new PointerScope()) {
        Point start = evaluator.evaluate(x, multipliers);
        if (!start.isFinite()) {
          throw notFinite(start);
        }
        if (first && isNoisy(start)) {
          return endHere(Status.STALLED, NOISY);
        }
        end = descent.from(start, multipliers, innerTolerance);
        Point point = descent.point();
        if (end == Descent.End.DIVERGED) {
          solution = retreat(start, point);
        } else {
          solution = advance(point, end);
        }
        if (point != start) {
          point.close();
        }
        start.close();
      }
      if (solution.status() != Status.RUNNING) {
        return solution;
      }
      if (end != Descent.End.DIVERGED && !goOn.test(solution)) {
        return with(solution, Status.STOPPED, "a listener said so");
      }
    }
  }

  /** Noise below the tolerance need not keep a run from it. */
  private boolean isNoisy(Point start) {
    double tolerable = tolerance * Math.max(1, Math.abs(start.objective()));
    return evaluator.isNoisyFromTheStart(
        start, Math.max(tolerable, 1000 * lineSearch.noise(start)));
  }

  private IllegalArgumentException notFinite(Point start) {
    return new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "loss, violations or their gradients are NaN or infinite at the start (f = %s, largest"
                + " violation %s); start where they are finite",
            start.objective(),
            start.infeasibility()));
  }

  /** The penalty could not hold the iterates: it must be larger, if that helps at all. */
  private Solution retreat(Point start, Point far) {
    double reach = Math.max(1, far.x().abs().max().item_double());
    if (far.value() < 0 && far.infeasibility() <= 1e-6 * reach) {
      String fell = String.format(Locale.ROOT, "f fell to %.1e, at %.1e", far.objective(), reach);
      return endHere(
          Status.UNBOUNDED,
          fell + " from the origin, with the constraints holding there; the variables stay nearer");
    }
    multipliers.clear();
    multipliers.raisePenalty(PENALTY_FACTOR);
    curvature.forget();
    Solution solution = measure(start);
    return multipliers.penalty() <= MOST_PENALTY
        ? solution
        : endHere(
            Status.STALLED,
            "no penalty keeps the iterates from running away, so that f falls faster than any"
                + " violation grows; bounds on the variables would");
  }

  private Solution advance(Point point, Descent.End end) {
    Solution solution = measure(point);
    double residual = multipliers.residual(point);
    boolean solved = worst(solution) <= tolerance;
    Tensor before = x;
    x = keep(point.x().clone());
    before.close();
    if (!solved && (end == Descent.End.LIMIT || end == Descent.End.INTERRUPTED)) {
      return leave(end);
    }
    multipliers.accept(point);
    iterations++;
    solution = publish(solution, Status.RUNNING, "not there yet");
    sinceBest += end == Descent.End.PRECISION ? 3 : 1;
    if (best == null || worst(solution) < 0.9 * worst(best.solution())) {
      sinceBest = 0;
      remember(solution);
    }
    if (solved) {
      return with(solution, Status.SOLVED, "a KKT point within the tolerance " + tolerance);
    }
    if (end == Descent.End.PRECISION && !knownToBeDeterministic) {
      if (evaluator.isNoisy(point, multipliers, 1000 * lineSearch.noise(point))) {
        return restoreBest(Status.STALLED, NOISY);
      }
      knownToBeDeterministic = true;
    }
    boolean progress = residual <= PROGRESS * previous;
    if (residual > 0.9 * previous && isStuck(point)) {
      return with(
          solution,
          Status.INFEASIBLE,
          "the violation is as small as it gets near here, and above the tolerance " + tolerance);
    }
    if (sinceBest >= PATIENCE) {
      return restoreBest(
          Status.STALLED,
          "no further progress: the precision of "
              + Tensors.dtype(x)
              + " is used up, or no multipliers exist, or the problem is not smooth, or so"
              + " ill-conditioned that a larger historySize is needed");
    }
    boolean matters = residual > 0.1 * tolerance * Math.min(1, leastScale());
    if (!progress && matters && multipliers.penalty() < MOST_PENALTY) {
      multipliers.raisePenalty(PENALTY_FACTOR);
    }
    previous = residual;
    double steepest = 1 / multipliers.objectiveScale();
    // A violation that is left moves the gradient by the penalty times as much.
    double least =
        0.1
            * tolerance
            * Math.min(1, STEEPEST / steepest)
            * Math.min(1, multipliers.penalty() * leastScale());
    innerTolerance = Math.max(Math.min(0.1 * innerTolerance, residual), least);
    return solution;
  }

  /**
   * Ends in the middle of a descent, which the state goes on with: what multipliers become is known
   * at its end alone.
   */
  private Solution leave(Descent.End end) {
    boolean limited = end == Descent.End.LIMIT;
    Status status = limited ? Status.LIMIT : Status.STOPPED;
    String why =
        limited ? "all evaluations that are allowed were made" : "the thread was interrupted";
    evaluationsToReach = evaluator.evaluations() - 1; // as the point will be evaluated again
    if (best != null) {
      return restoreBest(status, why);
    }
    return endHere(status, why);
  }

  /** Ends with the multipliers as they are, and what is left with these. */
  private Solution endHere(Status status, String why) {
    try (Point point = evaluator.evaluate(x, multipliers.withoutPenalty())) {
      return publish(measure(point), status, why);
    }
  }

  private double leastScale() {
    Tensor scales = multipliers.scales();
    return scales.numel() == 0 ? 1 : scales.min().item_double();
  }

  /** The worst residual, in the unit of the tolerance. */
  private double worst(Solution solution) {
    double steepest = Math.min(STEEPEST, 1 / multipliers.objectiveScale());
    return Math.max(
        solution.infeasibility(),
        Math.max(
            solution.stationarity() / steepest,
            10 * solution.gap() / Math.max(1, Math.abs(solution.objective()))));
  }

  /**
   * Whether not even a descent that goes after the violation alone lowers it, from here or from a
   * point away, where the method goes on if that one does. Where a gradient is small beside others,
   * as scales of the start may leave it, only that tells a violation that has far to go from one
   * that cannot; and only the other point a least violation from a largest one, as 0 has for ‖x‖ =
   * 1.
   */
  private boolean isStuck(Point point) {
    if (point.infeasibility() <= tolerance || multipliers.penalty() < 1e3) {
      return false;
    }
    // A violation of 1 to begin with, so that gradients are those of the constraints themselves.
    Multipliers violation = multipliers.ofViolationAlone(1 / point.scaledInfeasibility());
    curvature.forget();
    descent.limit(evaluator.evaluations() + VERDICT);
    try (Point start = evaluator.evaluate(point.x(), violation)) {
      descent.from(start, violation, 0.01 * precision);
      Point lowest = descent.point();
      boolean stuck =
          lowest.value() > 0.5 * start.value()
              && box.stationarity(lowest.x(), lowest.gradient()) <= Math.sqrt(precision);
      if (lowest != start) {
        lowest.close();
      }
      return stuck && !leaves(evaluator.away(point.x(), 1), violation, 0.5 * start.value());
    } finally {
      curvature.forget();
      descent.limit(limit);
      variables.moveTo(point.x()); // which the solution is of
    }
  }

  /** Goes on from where a descent from there finds a violation below that; true if it may yet. */
  private boolean leaves(Tensor far, Multipliers violation, double value) {
    curvature.forget();
    try (Point start = evaluator.evaluate(far, violation)) {
      if (!start.isFinite()) {
        return false;
      }
      Descent.End end = descent.from(start, violation, 0.01 * precision);
      Point lowest = descent.point();
      boolean lower = lowest.value() <= value;
      if (lower) {
        Tensor before = x;
        x = keep(lowest.x().clone());
        before.close();
        multipliers.clear();
      }
      if (lowest != start) {
        lowest.close();
      }
      return lower || end == Descent.End.LIMIT || end == Descent.End.INTERRUPTED;
    }
  }

  private Solution measure(Point point) {
    Scalar perUnit = new Scalar(multipliers.objectiveScale());
    return new Solution(
        Status.RUNNING,
        "",
        iterations,
        descent.steps(),
        evaluator.evaluations(),
        point.objective(),
        point.infeasibility(),
        box.stationarity(point.x(), point.gradient().div(perUnit)),
        multipliers.gap(point),
        multipliers.penalty(),
        Map.of());
  }

  /** Leaves variables and multipliers where the method is. */
  private Solution publish(Solution solution, Status status, String message) {
    variables.moveTo(x);
    Map<String, double[]> named = evaluator.layout().named(multipliers.unscaled());
    evaluator.layout().writeMultipliers(named);
    return with(solution, status, message, named);
  }

  private Solution with(Solution solution, Status status, String message) {
    return with(solution, status, message, solution.multipliers());
  }

  private Solution with(
      Solution solution, Status status, String message, Map<String, double[]> named) {
    return new Solution(
        status,
        message,
        iterations,
        descent.steps(),
        evaluator.evaluations(),
        solution.objective(),
        solution.infeasibility(),
        solution.stationarity(),
        solution.gap(),
        solution.penalty(),
        named);
  }

  private void remember(Solution solution) {
    if (best != null) {
      best.x().close();
    }
    best = new Best(keep(x.clone()), solution);
  }

  private Solution restoreBest(Status status, String message) {
    variables.moveTo(best.x());
    evaluator.layout().writeMultipliers(best.solution().multipliers());
    return with(best.solution(), status, message);
  }
}
