package org.cooper4j.solver;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Finds a step that meets the Wolfe conditions along a direction that is bent at bounds, by
 * bracketing with cubic and secant steps (Nocedal and Wright, 3.5). Where the value's rounding
 * errors hide the decrease, the slope alone decides (Hager and Zhang, "A new conjugate gradient
 * method with guaranteed descent and an efficient line search", 2005). A value that is NaN or
 * infinite counts as a step that was too long.
 */
final class LineSearch<B> {
  private static final double DECREASE = 1e-4;
  private static final double SLOPE = 0.9;
  private static final int MOST_TRIALS = 25;

  private final Evaluator<B> evaluator;
  private final Box box;
  private final double precision;

  /**
   * @param precision the dtype's machine epsilon
   */
  LineSearch(Evaluator<B> evaluator, Box box, double precision) {
    this.evaluator = evaluator;
    this.box = box;
    this.precision = precision;
  }

  /** What rounding may change of the value. */
  double noise(Point at) {
    return 50 * precision * Math.max(Math.abs(at.value()), at.scaledObjective());
  }

  /**
   * Searches.
   *
   * @param direction [n]
   * @param slope the gradient times it, below 0
   * @param step tried first, above 0
   * @return a better point; null if none was found
   */
  Point search(Point from, Multipliers multipliers, Tensor direction, double slope, double step) {
    double noise = noise(from);
    double low = 0;
    double lowValue = from.value();
    double lowSlope = slope;
    double high = Double.POSITIVE_INFINITY;
    double at = step;
    Point best = null;
    for (int trial = 0; trial < MOST_TRIALS; trial++) {
      Trial tried = attempt(from, multipliers, direction, slope, at);
      if (tried == null) {
        break;
      }
      Point point = tried.point();
      boolean falls = point.isFinite();
      boolean flattens = tried.slope() >= SLOPE * slope;
      boolean hidden = -tried.decrease() < noise && !tried.bent();
      if (!falls) {
        high = at;
        at = low + 0.1 * (at - low);
        point.close();
      } else if (point.value() > from.value() + DECREASE * tried.decrease() + noise
          || (low > 0 && point.value() >= lowValue + noise)
          || (hidden && tried.slope() > (2 * DECREASE - 1) * slope)) {
        high = at;
        double width = at - low;
        double share =
            hidden
                ? lowSlope / (lowSlope - tried.slope())
                : minimum(lowValue, lowSlope, point.value(), tried.slope(), width);
        double inner = low + width * share;
        at = Math.min(Math.max(inner, low + 0.1 * width), low + 0.9 * width);
        point.close();
      } else if (flattens) {
        return replaced(best, point);
      } else {
        best = replaced(best, point);
        double width = at - low;
        double rise = tried.slope() - lowSlope;
        low = at;
        lowValue = point.value();
        lowSlope = tried.slope();
        double secant = rise > 0 ? at - width * lowSlope / rise : Double.POSITIVE_INFINITY;
        at =
            high < Double.POSITIVE_INFINITY
                ? 0.5 * (low + high)
                : Math.min(Math.max(secant, at + 0.1 * width), 4 * at);
      }
    }
    return best;
  }

  private record Trial(Point point, double decrease, double slope, boolean bent) {}

  /** Null if the step is too short to be seen. */
  private Trial attempt(
      Point from, Multipliers multipliers, Tensor direction, double slope, double step) {
    try (PointerScope temporaries = new PointerScope()) {
      Tensor straight = from.x().add(direction, new Scalar(step));
      if (box.isWholeSpace()) {
        if (straight.equal(from.x())) {
          return null;
        }
        Point point = evaluator.evaluate(straight, multipliers);
        return new Trial(point, step * slope, point.gradient().dot(direction).item_double(), false);
      }
      Tensor x = box.project(straight);
      if (x.equal(from.x())) {
        return null;
      }
      Point point = evaluator.evaluate(x, multipliers);
      Tensor inside = x.eq(straight);
      return new Trial(
          point,
          from.gradient().dot(x.sub(from.x())).item_double(),
          point.gradient().dot(direction.mul(inside)).item_double(),
          !inside.all().item_bool());
    }
  }

  private static Point replaced(Point before, Point now) {
    if (before != null) {
      before.close();
    }
    return now;
  }

  /** Where in (0, 1) of an interval of that width a cubic through both ends is lowest. */
  private static double minimum(
      double value, double slope, double endValue, double endSlope, double width) {
    double theta = 3 * (value - endValue) / width + slope + endSlope;
    double square = theta * theta - slope * endSlope;
    if (square >= 0) {
      double root = Math.sqrt(square);
      double cubic = 1 - (endSlope + root - theta) / (endSlope - slope + 2 * root);
      if (cubic > 0 && cubic < 1) {
        return cubic;
      }
    }
    double quadratic = -slope * width / (2 * (endValue - value - slope * width));
    return quadratic > 0 && quadratic < 1 ? quadratic : 0.5;
  }
}
