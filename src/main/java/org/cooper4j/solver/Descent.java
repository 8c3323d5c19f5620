package org.cooper4j.solver;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** Minimises the augmented Lagrangian within the bounds, by projected L-BFGS. */
final class Descent<B> {
  /** Why it ended. */
  enum End {
    STATIONARY,
    /** The iterates left for where constraints are violated far more than at the start. */
    DIVERGED,
    /** No point along the direction is better, as far as the dtype tells. */
    PRECISION,
    LIMIT,
    INTERRUPTED
  }

  /** So many evaluations without progress: gradients of ill-conditioned problems swing long. */
  private static final int IDLE = 150;

  private static final double FAR = 100;
  private static final double BOTTOMLESS = -1e15;

  private final Evaluator<B> evaluator;
  private final Box box;
  private final Curvature curvature;
  private final LineSearch<B> lineSearch;
  private long limit = Long.MAX_VALUE;
  private long steps;
  private Point point;

  Descent(Evaluator<B> evaluator, Box box, Curvature curvature, LineSearch<B> lineSearch) {
    this.evaluator = evaluator;
    this.box = box;
    this.curvature = curvature;
    this.lineSearch = lineSearch;
  }

  /** How many steps were made, in all calls. */
  long steps() {
    return steps;
  }

  /** Goes on counting. */
  void resume(long before) {
    steps = before;
  }

  /** After so many evaluations, of all calls and others, no step begins. */
  void limit(long evaluations) {
    limit = evaluations;
  }

  /** Where the last call ended. */
  Point point() {
    return point;
  }

  /** Goes down from a point, which stays open, until the projected gradient is that small. */
  End from(Point start, Multipliers multipliers, double tolerance) {
    point = start;
    double far = FAR * Math.max(1, start.scaledInfeasibility());
    double lowest = Double.POSITIVE_INFINITY;
    double flattest = Double.POSITIVE_INFINITY;
    long progressed = evaluator.evaluations();
    while (true) {
      if (point.scaledInfeasibility() > far || point.value() < BOTTOMLESS) {
        return End.DIVERGED;
      }
      double stationarity = box.stationarity(point.x(), point.gradient());
      if (stationarity <= tolerance) {
        return End.STATIONARY;
      }
      if (point.value() < lowest - lineSearch.noise(point) || stationarity < 0.9 * flattest) {
        lowest = Math.min(lowest, point.value());
        flattest = Math.min(flattest, stationarity);
        progressed = evaluator.evaluations();
      } else if (evaluator.evaluations() - progressed >= IDLE) {
        return End.PRECISION;
      }
      if (evaluator.evaluations() >= limit) {
        return End.LIMIT;
      }
      if (Thread.currentThread().isInterrupted()) {
        return End.INTERRUPTED;
      }
      Point next = step(multipliers);
      if (next == null && curvature.pairs() > 0) {
        curvature.forget();
      } else if (next == null) {
        return End.PRECISION;
      } else {
        if (point != start) {
          point.close();
        }
        point = next;
        steps++;
      }
    }
  }

  private Point step(Multipliers multipliers) {
    try (PointerScope temporaries = new PointerScope()) {
      Tensor gradient = point.gradient();
      Tensor free = box.free(point.x(), gradient);
      Tensor direction = curvature.direction(gradient, free);
      double slope = direction == null ? 0 : direction.dot(gradient).item_double();
      double length = 1;
      if (!(slope < 0)) {
        Tensor steepest = free == null ? gradient : gradient.mul(free);
        double square = steepest.dot(gradient).item_double();
        direction = steepest.neg();
        slope = -square;
        length = Math.min(1, 1 / Math.sqrt(square));
      }
      Point next = lineSearch.search(point, multipliers, direction, slope, length);
      if (next != null) {
        curvature.add(next.x().sub(point.x()), next.gradient().sub(gradient));
      }
      return next;
    }
  }
}
