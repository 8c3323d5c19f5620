package org.cooper4j.examples;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** One plot of a {@link Panels}. */
final class Panel {
  static final Color BLUE = new Color(0x1f77b4);
  static final Color ORANGE = new Color(0xff7f0e);
  private static final Color[] CYCLE = {
    BLUE, ORANGE, new Color(0x2ca02c), new Color(0xd62728), new Color(0x9467bd),
  };
  private static final double MARGIN = 0.05;
  private static final Font TITLE = new Font(Font.SANS_SERIF, Font.PLAIN, 16);
  private static final Font LABEL = new Font(Font.SANS_SERIF, Font.PLAIN, 13);
  private static final Font TICK = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
  private static final BasicStroke SOLID =
      new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND);
  private static final BasicStroke DASHED =
      new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {6, 4}, 0);

  private final XYChart chart;
  private final XYStyler styler;
  private final DoubleSummaryStatistics xRange = new DoubleSummaryStatistics();
  private final DoubleSummaryStatistics yRange = new DoubleSummaryStatistics();

  Panel(String title, int width, int height) {
    chart = new XYChartBuilder().title(title).width(width).height(height).build();
    styler = chart.getStyler();
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setChartTitleBoxVisible(false);
    styler.setChartTitleFont(TITLE);
    styler.setAxisTitleFont(LABEL);
    styler.setAxisTickLabelsFont(TICK);
    styler.setLegendFont(TICK);
    styler.setDecimalPattern("0.######");
    styler.setAxisTicksLineVisible(false);
    styler.setPlotMargin(0);
    styler.setPlotContentSize(1);
    styler.setPlotGridLinesVisible(false);
    styler.setPlotBorderColor(Color.BLACK);
    styler.setLegendVisible(false);
    styler.setLegendPosition(LegendPosition.InsideNE);
    styler.setLegendBorderColor(Color.LIGHT_GRAY);
    styler.setXAxisTickMarkSpacingHint(90);
    styler.setYAxisTickMarkSpacingHint(45);
    styler.setSeriesColors(CYCLE);
  }

  Panel xLabel(String label) {
    chart.setXAxisTitle(label);
    return this;
  }

  Panel yLabel(String label) {
    chart.setYAxisTitle(label);
    return this;
  }

  /** Makes the y axis logarithmic; what is not positive is left out. */
  Panel logarithmicY() {
    styler.setYAxisLogarithmic(true);
    styler.setYAxisDecimalPattern("0E0");
    return this;
  }

  /** Moves the legend away from the upper right corner. */
  Panel legend(LegendPosition position) {
    styler.setLegendPosition(position);
    return this;
  }

  /** Gives both axes the same range, which cuts what lies outside. */
  Panel range(double least, double most) {
    styler.setXAxisMin(least).setXAxisMax(most).setYAxisMin(least).setYAxisMax(most);
    return this;
  }

  /** Draws ys over xs. */
  Panel line(double[] xs, double[] ys) {
    add("series " + chart.getSeriesMap().size(), xs, ys);
    return this;
  }

  /** Draws ys over xs, with a legend. */
  Panel line(String label, double[] xs, double[] ys) {
    add(label, xs, ys);
    styler.setLegendVisible(true);
    return this;
  }

  /** Draws ys over xs with a circle at each point, or a diamond at a single one, with a legend. */
  Panel marked(String label, Color color, double[] xs, double[] ys) {
    XYSeries series = add(label, xs, ys);
    series.setMarker(xs.length == 1 ? SeriesMarkers.DIAMOND : SeriesMarkers.CIRCLE);
    series.setMarkerColor(color);
    series.setLineColor(color);
    styler.setLegendVisible(true);
    return this;
  }

  /** Draws a gray line across the x range of what was drawn before it. */
  Panel horizontal(double y) {
    double[] xs = {xRange.getMin(), xRange.getMax()};
    XYSeries series = add("y = " + y, xs, new double[] {y, y});
    series.setLineColor(new Color(128, 128, 128, 128));
    series.setShowInLegend(false);
    return this;
  }

  /** Draws a dashed gray line. */
  Panel dashed(double[] xs, double[] ys) {
    XYSeries series = add("dashed", xs, ys);
    series.setLineColor(Color.GRAY);
    series.setLineStyle(DASHED);
    return this;
  }

  /** Fills the polygon with these corners. */
  Panel area(Color color, double[] xs, double[] ys) {
    XYSeries series = add("area " + chart.getSeriesMap().size(), xs, ys);
    series.setXYSeriesRenderStyle(XYSeriesRenderStyle.PolygonArea);
    series.setFillColor(color);
    series.setLineColor(new Color(0, true));
    return this;
  }

  /** Draws points. */
  Panel scatter(Color color, double[] xs, double[] ys) {
    XYSeries series = add("points " + chart.getSeriesMap().size(), xs, ys);
    series.setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter);
    series.setMarker(SeriesMarkers.CIRCLE);
    series.setMarkerColor(color);
    return this;
  }

  private XYSeries add(String label, double[] xs, double[] ys) {
    if (xs.length == 0) {
      // XChart draws no empty series; a point without a marker is not seen.
      return add(label, new double[] {0}, new double[] {0});
    }
    boolean logarithmic = styler.isYAxisLogarithmic();
    double[] drawn =
        Arrays.stream(ys)
            .map(y -> Double.isFinite(y) && (!logarithmic || y > 0) ? y : Double.NaN)
            .toArray();
    Arrays.stream(xs).forEach(xRange);
    Arrays.stream(drawn).filter(y -> !Double.isNaN(y)).forEach(yRange);
    XYSeries series = chart.addSeries(label, xs, drawn);
    series.setMarker(SeriesMarkers.NONE);
    series.setLineStyle(SOLID);
    return series;
  }

  /** The finished chart. */
  XYChart chart() {
    if (styler.getXAxisMin() != null) {
      return chart;
    }
    // XChart's own limits make it put ticks at data points rather than at round numbers.
    if (xRange.getMax() > xRange.getMin()) {
      double xMargin = MARGIN * (xRange.getMax() - xRange.getMin());
      styler.setXAxisMin(xRange.getMin() - xMargin).setXAxisMax(xRange.getMax() + xMargin);
    }
    double least = yRange.getMin();
    double most = yRange.getMax();
    if (styler.isYAxisLogarithmic() && most > least) {
      // Without a whole decade, the decades' ticks alone would leave the axis bare.
      styler.setYAxisLogarithmicDecadeOnly(most > 30 * least);
      double factor = Math.pow(most / least, MARGIN);
      styler.setYAxisMin(least / factor).setYAxisMax(most * factor);
    } else if (most > least) {
      double yMargin = MARGIN * (most - least);
      styler.setYAxisMin(least - yMargin).setYAxisMax(most + yMargin);
    }
    return chart;
  }
}
