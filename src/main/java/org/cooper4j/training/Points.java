package org.cooper4j.training;

import java.awt.geom.Rectangle2D;
import java.util.Arrays;
import org.cooper4j.training.Panel.Series;

/** Points to be drawn; a y that is NaN is a gap in a line. */
record Points(double[] xs, double[] ys) {
  /** More of them than pixels make a picture slow, and an SVG large. */
  private static final int BUCKETS = 1000;

  /** Those of a series which the axes can show; points without an x go, y become gaps. */
  static Points of(Series series, Axes axes) {
    double[] xs = new double[series.xs().length];
    double[] ys = new double[xs.length];
    int count = 0;
    for (int i = 0; i < xs.length; i++) {
      if (Double.isFinite(series.xs()[i])) {
        xs[count] = series.xs()[i];
        ys[count++] = axes.shows(series.ys()[i]) ? series.ys()[i] : Double.NaN;
      }
    }
    return new Points(Arrays.copyOf(xs, count), Arrays.copyOf(ys, count));
  }

  /** How many there are without the gaps. */
  long count() {
    return Arrays.stream(ys).filter(y -> !Double.isNaN(y)).count();
  }

  boolean isEmpty() {
    return count() == 0;
  }

  /** An exponential moving average without the bias to 0 of its start; gaps stay. */
  Points smoothed(double weight) {
    double[] averages = new double[ys.length];
    double sum = 0;
    double weights = 0;
    for (int i = 0; i < ys.length; i++) {
      if (Double.isNaN(ys[i])) {
        averages[i] = Double.NaN;
      } else {
        sum = weight * sum + (1 - weight) * ys[i];
        weights = weight * weights + (1 - weight);
        averages[i] = sum / weights;
      }
    }
    return new Points(xs, averages);
  }

  /** The least and the largest of every few points, where there are very many. */
  Points decimated() {
    if (ys.length <= 4 * BUCKETS) {
      return this;
    }
    double[] fewerXs = new double[2 * BUCKETS];
    double[] fewerYs = new double[2 * BUCKETS];
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
      int from = (int) ((long) ys.length * bucket / BUCKETS);
      int to = (int) ((long) ys.length * (bucket + 1) / BUCKETS);
      int least = from;
      int most = from;
      for (int i = from; i < to; i++) {
        if (ys[i] < ys[least] || Double.isNaN(ys[least])) {
          least = i;
        }
        if (ys[i] > ys[most] || Double.isNaN(ys[most])) {
          most = i;
        }
      }
      int first = Math.min(least, most);
      int second = Math.max(least, most);
      fewerXs[2 * bucket] = xs[first];
      fewerYs[2 * bucket] = ys[first];
      fewerXs[2 * bucket + 1] = xs[second];
      fewerYs[2 * bucket + 1] = ys[second];
    }
    return new Points(fewerXs, fewerYs);
  }

  /**
   * Whether one lies in a box, or a line between two of them crosses it.
   *
   * @param box in shares of the axes, from 0 to 1
   */
  boolean touches(Rectangle2D box, Axes axes, boolean joined) {
    boolean hasLast = false;
    double lastX = 0;
    double lastY = 0;
    for (int i = 0; i < xs.length; i++) {
      double x = axes.acrossX(xs[i]);
      double y = axes.acrossY(ys[i]);
      boolean here = !Double.isNaN(y);
      if (here
          && (box.contains(x, y) || joined && hasLast && box.intersectsLine(lastX, lastY, x, y))) {
        return true;
      }
      hasLast = here;
      lastX = x;
      lastY = y;
    }
    return false;
  }
}
