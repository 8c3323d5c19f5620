package org.cooper4j.training;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.font.FontRenderContext;
import java.awt.geom.Rectangle2D;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.cooper4j.training.Panel.Kind;
import org.cooper4j.training.Panel.Series;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Series over two axes. */
final class LineChart {
  private static final BasicStroke SOLID =
      new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND);
  private static final BasicStroke DASHED =
      new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {6, 4}, 0);

  /** More labels would hide what they are of. */
  private static final int LEGEND = 8;

  // Of XChart's drawing, in pixels: the least room that axes leave, and what is around labels.
  private static final double PLOT_WIDTH = 330;
  private static final double PLOT_HEIGHT = 290;
  private static final int LEGEND_LINE = 24;
  private static final int LEGEND_MARGIN = 64;

  /** Labels side by side below a panel. */
  private static final int ROW = 400;

  /** Fewer points, such as those of a validation, are no noise. */
  private static final int FEW = 50;

  private final Theme theme;
  private final double smoothing;
  private final Axes axes;
  private final XYChart chart;
  private final XYStyler styler;
  private final List<Drawn> drawn = new ArrayList<>();

  /** What a legend should not hide. */
  private record Drawn(Points points, boolean joined) {}

  LineChart(Panel panel, Theme theme, double smoothing) {
    this.theme = theme;
    this.smoothing = smoothing;
    chart =
        new XYChartBuilder()
            .title(panel.title())
            .xAxisTitle(panel.xLabel())
            .yAxisTitle(panel.yLabel())
            .width(Drawing.WIDTH)
            .height(Drawing.HEIGHT)
            .build();
    styler = chart.getStyler();
    theme.apply(styler);
    styler.setAxisTicksLineVisible(false);
    styler.setPlotMargin(0);
    styler.setPlotContentSize(1);
    styler.setXAxisTickMarkSpacingHint(90);
    styler.setYAxisTickMarkSpacingHint(45);
    axes = new Axes(panel);
    axes.apply(styler);
    panel.series().stream().filter(series -> series.kind() == Kind.AREA).forEach(this::draw);
    panel.series().stream().filter(series -> series.kind() == Kind.LEVEL).forEach(this::draw);
    panel.series().stream()
        .filter(series -> series.kind() != Kind.AREA && series.kind() != Kind.LEVEL)
        .forEach(this::draw);
    if (chart.getSeriesMap().isEmpty()) {
      // XChart draws no empty chart; a point without a marker is not seen.
      add(null, new Points(new double[] {axes.xMin()}, new double[] {axes.yMin()}), theme.ground());
    }
    legend(panel);
  }

  XYChart chart() {
    return chart;
  }

  private void draw(Series series) {
    Color colour = theme.colour(series.colour());
    if (series.kind() == Kind.LEVEL) {
      double y = series.ys()[0];
      if (axes.shows(y)) {
        double[] xs = {axes.xMin(), axes.xMax()};
        add(null, new Points(xs, new double[] {y, y}), colour);
      }
      return;
    }
    Points points = Points.of(series, axes);
    if (points.isEmpty()) {
      return;
    }
    drawn.add(new Drawn(points, series.kind() != Kind.POINTS));
    switch (series.kind()) {
      case AREA -> {
        XYSeries area = add(null, points, new Color(0, true));
        area.setXYSeriesRenderStyle(XYSeriesRenderStyle.PolygonArea);
        area.setFillColor(theme.pale(colour));
      }
      case POINTS -> {
        XYSeries scatter = add(series.label(), points, colour);
        scatter.setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter);
        mark(scatter, colour);
      }
      case MARKED -> mark(add(series.label(), points, colour), colour);
      case DASHED -> add(null, points, colour).setLineStyle(DASHED);
      default -> line(series.label(), points, colour);
    }
  }

  private void line(String label, Points points, Color colour) {
    if (smoothing > 0 && points.count() >= FEW) {
      add(null, points.decimated(), theme.pale(colour));
      add(label, points.smoothed(smoothing).decimated(), colour);
    } else {
      XYSeries line = add(label, points.decimated(), colour);
      if (points.count() == 1) {
        mark(line, colour); // a line of one point is not seen
      }
    }
  }

  private static void mark(XYSeries series, Color colour) {
    series.setMarker(SeriesMarkers.CIRCLE);
    series.setMarkerColor(colour);
  }

  private XYSeries add(String label, Points points, Color colour) {
    int number = chart.getSeriesMap().size();
    // Names are XChart's keys: those of two series may be the same here.
    XYSeries series = chart.addSeries("series " + number, points.xs(), points.ys());
    series.setLabel(label == null ? "" : label);
    series.setShowInLegend(label != null);
    series.setMarker(SeriesMarkers.NONE);
    series.setLineStyle(SOLID);
    series.setLineColor(colour);
    return series;
  }

  private void legend(Panel panel) {
    List<String> labels =
        panel.series().stream().map(Series::label).filter(Objects::nonNull).toList();
    styler.setLegendVisible(!labels.isEmpty() && labels.size() <= LEGEND);
    int widest = labels.stream().mapToInt(this::widthOf).max().orElse(0);
    double width = (widest + LEGEND_MARGIN) / PLOT_WIDTH;
    double height = (labels.size() * LEGEND_LINE + LEGEND_MARGIN) / PLOT_HEIGHT;
    LegendPosition corner = emptyCorner(width, height);
    if (corner != null) {
      styler.setLegendPosition(corner);
    } else if (labels.stream().mapToInt(label -> widthOf(label) + LEGEND_MARGIN).sum() < ROW) {
      styler.setLegendPosition(LegendPosition.OutsideS);
      styler.setLegendLayout(LegendLayout.Horizontal);
    } else {
      styler.setLegendPosition(LegendPosition.OutsideE);
    }
  }

  /** In pixels. */
  private int widthOf(String label) {
    FontRenderContext context = new FontRenderContext(null, true, true);
    return (int) Math.ceil(styler.getLegendFont().getStringBounds(label, context).getWidth());
  }

  /** A corner in which the legend hides nothing; null if there is none. */
  private LegendPosition emptyCorner(double width, double height) {
    for (LegendPosition corner :
        new LegendPosition[] {
          LegendPosition.InsideNE,
          LegendPosition.InsideSE,
          LegendPosition.InsideNW,
          LegendPosition.InsideSW
        }) {
      boolean right = corner == LegendPosition.InsideNE || corner == LegendPosition.InsideSE;
      boolean top = corner == LegendPosition.InsideNE || corner == LegendPosition.InsideNW;
      Rectangle2D box =
          new Rectangle2D.Double(right ? 1 - width : 0, top ? 1 - height : 0, width, height);
      if (drawn.stream().noneMatch(each -> each.points.touches(box, axes, each.joined))) {
        return corner;
      }
    }
    return null;
  }
}
