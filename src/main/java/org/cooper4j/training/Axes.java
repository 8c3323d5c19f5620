package org.cooper4j.training;

import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.DoubleSummaryStatistics;
import java.util.Locale;
import org.cooper4j.training.Panel.Kind;
import org.cooper4j.training.Panel.Series;
import org.knowm.xchart.style.XYStyler;

/** The ranges of a panel's axes: those of what it shows, with a margin. */
final class Axes {
  private static final double MARGIN = 0.05;

  /** XChart counts ticks in doubles. */
  private static final double LARGEST = 1e100;

  /** As many decades of a logarithmic axis have room for their labels; what is less is noise. */
  private static final double SMALLEST_SHARE = 1e-15;

  private final boolean logarithmic;
  private final double xMin;
  private final double xMax;
  private final double yMin;
  private final double yMax;

  Axes(Panel panel) {
    logarithmic = panel.isLogarithmic();
    boolean fixed = panel.range() != null;
    double[] x = {0, 1};
    double[] y = logarithmic ? new double[] {0.1, 1} : new double[] {0, 1};
    if (fixed) {
      x = panel.range();
      y = panel.range();
    } else {
      DoubleSummaryStatistics xs = new DoubleSummaryStatistics();
      DoubleSummaryStatistics ys = new DoubleSummaryStatistics();
      for (Series series : panel.series()) {
        for (int i = 0; i < series.ys().length; i++) {
          if (isDrawable(series.ys()[i])) {
            ys.accept(series.ys()[i]);
          }
          if (series.kind() != Kind.LEVEL && Double.isFinite(series.xs()[i])) {
            xs.accept(series.xs()[i]);
          }
        }
      }
      x = xs.getCount() > 0 ? widened(xs.getMin(), xs.getMax()) : x;
      if (ys.getCount() > 0) {
        double least =
            Math.max(ys.getMin(), logarithmic ? SMALLEST_SHARE * ys.getMax() : ys.getMin());
        y = logarithmic ? widenedByFactor(least, ys.getMax()) : widened(least, ys.getMax());
      }
    }
    xMin = x[0];
    xMax = x[1];
    yMin = y[0];
    yMax = y[1];
  }

  private static double[] widened(double least, double most) {
    double size = Math.max(Math.abs(least), Math.abs(most));
    // Values that are equal, but for rounding, are a line in the middle.
    double margin = most - least > 1e-9 * size ? MARGIN * (most - least) : size > 0 ? size / 10 : 1;
    return new double[] {least - margin, most + margin};
  }

  private static double[] widenedByFactor(double least, double most) {
    double factor = most / least > 1 + 1e-9 ? Math.pow(most / least, MARGIN) : 2;
    return new double[] {least / factor, most * factor};
  }

  void apply(XYStyler styler) {
    styler.setXAxisMin(xMin).setXAxisMax(xMax).setYAxisMin(yMin).setYAxisMax(yMax);
    styler.setYAxisLogarithmic(logarithmic);
    styler.setXAxisDecimalPattern(pattern(xMin, xMax));
    styler.setYAxisDecimalPattern(pattern(yMin, yMax));
    if (logarithmic) {
      // Without a whole decade, the decades' ticks alone would leave the axis bare.
      styler.setYAxisLogarithmicDecadeOnly(yMax > 30 * yMin);
      styler.setyAxisTickLabelsFormattingFunction(Axes::label);
    }
  }

  /** On a logarithmic axis. */
  private static String label(double y) {
    boolean plain = y >= 0.9e-3 && y < 1e5;
    return new DecimalFormat(
            plain ? "0.####" : "0E0", DecimalFormatSymbols.getInstance(Locale.ROOT))
        .format(y);
  }

  private static String pattern(double least, double most) {
    double size = Math.max(Math.abs(least), Math.abs(most));
    return size >= 1e6 || size < 1e-3 ? "0.##E0" : "0.######";
  }

  /** Whether a value has a place on the vertical axis. */
  boolean shows(double y) {
    return isDrawable(y) && (!logarithmic || y >= yMin);
  }

  private boolean isDrawable(double y) {
    return Math.abs(y) <= LARGEST && (!logarithmic || y >= 1 / LARGEST);
  }

  double xMin() {
    return xMin;
  }

  double xMax() {
    return xMax;
  }

  double yMin() {
    return yMin;
  }

  /** Where a value lies, from 0 to 1. */
  double acrossX(double x) {
    return (x - xMin) / (xMax - xMin);
  }

  double acrossY(double y) {
    return logarithmic ? Math.log(y / yMin) / Math.log(yMax / yMin) : (y - yMin) / (yMax - yMin);
  }
}
