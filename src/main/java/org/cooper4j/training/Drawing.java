package org.cooper4j.training;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import javax.imageio.ImageIO;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.internal.chartpart.Chart;

/** Draws panels with XChart; without it, making one throws NoClassDefFoundError. */
final class Drawing {
  static final int WIDTH = 450;
  static final int HEIGHT = 400;
  private static final int SCALE = 2;

  private final List<? extends Chart<?, ?>> charts;
  private final int columns;
  private final int rows;
  private final Color ground;

  Drawing(List<Panel> panels, int columns, boolean dark, double smoothing) {
    Theme theme = dark ? Theme.DARK : Theme.LIGHT;
    this.columns = columns;
    rows = (panels.size() + columns - 1) / columns;
    ground = theme.ground();
    charts =
        panels.stream()
            .map(
                panel ->
                    panel.matrix() != null
                        ? MatrixChart.of(panel, theme)
                        : new LineChart(panel, theme, smoothing).chart())
            .toList();
  }

  byte[] png() throws IOException {
    BufferedImage image =
        new BufferedImage(
            SCALE * WIDTH * columns, SCALE * HEIGHT * rows, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(ground);
    graphics.fillRect(0, 0, image.getWidth(), image.getHeight());
    graphics.scale(SCALE, SCALE);
    for (int i = 0; i < charts.size(); i++) {
      Graphics2D part = (Graphics2D) graphics.create();
      part.translate(WIDTH * (i % columns), HEIGHT * (i / columns));
      charts.get(i).paint(part, WIDTH, HEIGHT);
      part.dispose();
    }
    graphics.dispose();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, "png", out);
    return out.toByteArray();
  }

  byte[] svg() throws IOException {
    StringBuilder svg = new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    svg.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%1$d\" height=\"%2$d\" viewBox=\"0 0 %1$d %2$d\">\n"
            .formatted(WIDTH * columns, HEIGHT * rows));
    svg.append(
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#%06x\"/>\n"
            .formatted(ground.getRGB() & 0xffffff));
    for (int i = 0; i < charts.size(); i++) {
      svg.append(
          "<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\">\n"
              .formatted(WIDTH * (i % columns), HEIGHT * (i / columns), WIDTH, HEIGHT));
      svg.append(element(i)).append("\n</svg>\n");
    }
    return svg.append("</svg>\n").toString().getBytes(StandardCharsets.UTF_8);
  }

  /** A chart as an element, whose ids are its own. */
  private String element(int i) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    VectorGraphicsEncoder.saveVectorGraphic(charts.get(i), out, VectorGraphicsFormat.SVG);
    String document = out.toString(StandardCharsets.UTF_8);
    return document
        .substring(document.indexOf("<svg"))
        .replaceAll("\\bid=\"", "$0panel" + i + "-")
        .replaceAll("url\\(#|href=\"#", "$0panel" + i + "-");
  }
}
