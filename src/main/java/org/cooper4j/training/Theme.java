package org.cooper4j.training;

import java.awt.Color;
import java.awt.Font;
import java.util.Locale;
import org.knowm.xchart.style.AxesChartStyler;

/** Colours that can be told apart on their ground, by people who see few of them as well. */
record Theme(Color ground, Color text, Color faint, Color[] cycle) {
  static final Theme LIGHT =
      new Theme(
          Color.WHITE,
          new Color(0x222222),
          new Color(0x9a9a9a),
          colours(0x1f77b4, 0xff7f0e, 0x2ca02c, 0xd62728, 0x9467bd, 0x8c564b, 0xe377c2, 0x17becf));
  static final Theme DARK =
      new Theme(
          new Color(0x16181d),
          new Color(0xe4e6ea),
          new Color(0x7d828c),
          colours(0x6cb6ff, 0xffa657, 0x6bd47f, 0xff7b72, 0xc9a7ff, 0xd7a98c, 0xf7a8d8, 0x5ce0e6));

  private static Color[] colours(int... rgb) {
    Color[] colours = new Color[rgb.length];
    for (int i = 0; i < rgb.length; i++) {
      colours[i] = new Color(rgb[i]);
    }
    return colours;
  }

  Color colour(int number) {
    return number < 0 ? faint : cycle[number % cycle.length];
  }

  /** A colour over which others can be read. It is opaque, as SVG readers differ in the other. */
  Color pale(Color colour) {
    return new Color(
        mixed(colour.getRed(), ground.getRed()),
        mixed(colour.getGreen(), ground.getGreen()),
        mixed(colour.getBlue(), ground.getBlue()));
  }

  private static int mixed(int colour, int ground) {
    return (int) Math.round(0.3 * colour + 0.7 * ground);
  }

  void apply(AxesChartStyler styler) {
    Font label = new Font(Font.SANS_SERIF, Font.PLAIN, 13);
    Font tick = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
    styler.setChartBackgroundColor(ground);
    styler.setPlotBackgroundColor(ground);
    styler.setPlotBorderColor(text);
    styler.setChartFontColor(text);
    styler.setChartTitleBoxVisible(false);
    styler.setChartTitlePadding(8);
    styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 16));
    styler.setAxisTitleFont(label);
    styler.setXAxisTitleColor(text);
    styler.setYAxisTitleColor(text);
    styler.setAxisTickLabelsFont(tick);
    styler.setXAxisTickLabelsColor(text);
    styler.setYAxisTickLabelsColor(text);
    styler.setXAxisTickMarksColor(text);
    styler.setYAxisTickMarksColor(text);
    styler.setLegendFont(tick);
    styler.setLegendBackgroundColor(ground);
    styler.setLegendBorderColor(faint);
    styler.setPlotGridLinesVisible(false);
    styler.setLocale(Locale.ROOT);
    styler.setLegendVisible(false);
  }
}
