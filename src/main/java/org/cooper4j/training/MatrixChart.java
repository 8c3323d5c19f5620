package org.cooper4j.training;

import java.awt.Color;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.style.HeatMapStyler;

/** A matrix as a grid of colours with its values. */
final class MatrixChart {
  private MatrixChart() {}

  static HeatMapChart of(Panel panel, Theme theme) {
    double[][] rows = panel.matrix();
    HeatMapChart chart =
        new HeatMapChartBuilder()
            .title(panel.title())
            .width(Drawing.WIDTH)
            .height(Drawing.HEIGHT)
            .build();
    HeatMapStyler styler = chart.getStyler();
    theme.apply(styler);
    styler.setAxisTicksVisible(false);
    styler.setPlotTicksMarksVisible(false);
    styler.setMin(0).setMax(1);
    styler.setRangeColors(new Color[] {theme.ground(), theme.pale(theme.colour(0))});
    styler.setShowValue(true);
    styler.setValueFontColor(theme.text());
    styler.setHeatMapValueDecimalPattern("0.00");

    // The chart counts rows from below.
    List<Number[]> cells = new ArrayList<>();
    for (int column = 0; column < rows[0].length; column++) {
      for (int row = 0; row < rows.length; row++) {
        double value = rows[rows.length - 1 - row][column];
        if (Double.isFinite(value)) {
          cells.add(new Number[] {column, row, value});
        }
      }
    }
    chart.addSeries(panel.title(), indices(rows[0].length), indices(rows.length), cells);
    return chart;
  }

  private static List<Integer> indices(int count) {
    return IntStream.range(0, count).boxed().toList();
  }
}
