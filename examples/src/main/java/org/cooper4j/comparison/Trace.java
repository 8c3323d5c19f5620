package org.cooper4j.comparison;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How an algorithm goes on a problem: what it has reached after how many evaluations. */
final class Trace {
  /** Thrown out of an evaluation when there is nothing left to learn. */
  static final class Enough extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  static final double[] TOLERANCES = {1e-2, 1e-4, 1e-6};

  /** After so many evaluations, and seconds of them and the algorithm, without the measuring. */
  record Point(long evaluations, double seconds, double objective, double violation) {}

  private final List<Point> points = new ArrayList<>();
  private final Map<Double, Point> reached = new LinkedHashMap<>();
  private final long budget;
  private final double optimum;
  private long evaluations;
  private Point last;
  private long started = System.nanoTime();

  /**
   * A trace that ends a run.
   *
   * @param budget evaluations
   * @param optimum NaN if it is not known
   */
  Trace(long budget, double optimum) {
    this.budget = budget;
    this.optimum = optimum;
  }

  /** One more evaluation, with what it found. */
  void evaluated(Measured measured) {
    evaluations++;
    note(measured);
    if (reached.size() == TOLERANCES.length || evaluations >= budget || !usable(measured)) {
      throw new Enough();
    }
  }

  private static boolean usable(Measured measured) {
    return Math.abs(measured.objective()) < 1e30 && measured.violation() < 1e30;
  }

  /** So many more evaluations, measured afterwards. */
  void measured(long more, Measured measured, long pauseNanos) {
    evaluations += more;
    started += pauseNanos;
    points.add(note(measured));
  }

  private Point note(Measured measured) {
    double seconds = (System.nanoTime() - started) / 1e9;
    Point point = new Point(evaluations, seconds, measured.objective(), measured.violation());
    for (double tolerance : TOLERANCES) {
      if (measured.within(tolerance, optimum)) {
        reached.putIfAbsent(tolerance, point);
      }
    }
    last = point;
    return point;
  }

  /** Where it was measured. */
  List<Point> points() {
    return points;
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    Map<String, Object> tolerances = new LinkedHashMap<>();
    reached.forEach(
        (tolerance, point) ->
            tolerances.put(
                String.format(Locale.ROOT, "%.0e", tolerance),
                List.of(point.evaluations(), point.seconds())));
    map.put("reached", tolerances);
    map.put(
        "points",
        points.isEmpty() ? List.of(values(last)) : points.stream().map(Trace::values).toList());
    return map;
  }

  private static List<Object> values(Point point) {
    return List.of(point.evaluations(), point.seconds(), point.objective(), point.violation());
  }
}
