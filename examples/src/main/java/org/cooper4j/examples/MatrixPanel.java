package org.cooper4j.examples;

import java.awt.Color;
import java.awt.Font;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.style.HeatMapStyler;

/** Draws a matrix as a grid of colours with its values. */
final class MatrixPanel {
  private MatrixPanel() {}

  static HeatMapChart of(String title, double[][] rows, int width, int height) {
    HeatMapChart chart = new HeatMapChartBuilder().title(title).width(width).height(height).build();
    HeatMapStyler styler = chart.getStyler();
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setChartTitleBoxVisible(false);
    styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 16));
    styler.setAxisTicksVisible(false);
    styler.setPlotGridLinesVisible(false);
    styler.setPlotTicksMarksVisible(false);
    styler.setLegendVisible(false);
    styler.setMin(0).setMax(1);
    styler.setRangeColors(new Color[] {Color.WHITE, Panel.BLUE});
    styler.setShowValue(true);
    styler.setHeatMapValueDecimalPattern("0.00");

    // The chart counts rows from below.
    List<Number[]> cells = new ArrayList<>();
    for (int column = 0; column < rows[0].length; column++) {
      for (int row = 0; row < rows.length; row++) {
        cells.add(new Number[] {column, row, rows[rows.length - 1 - row][column]});
      }
    }
    chart.addSeries(title, indices(rows[0].length), indices(rows.length), cells);
    return chart;
  }

  private static List<Integer> indices(int count) {
    return IntStream.range(0, count).boxed().toList();
  }
}
