package org.cooper4j.examples;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import javax.imageio.ImageIO;
import org.knowm.xchart.internal.chartpart.Chart;

/** A grid of {@link Panel}s in one picture. */
final class Panels {
  static {
    // Drawing needs no screen, so that it works on servers, too.
    System.setProperty("java.awt.headless", "true");
  }

  private static final int WIDTH = 450;
  private static final int HEIGHT = 400;
  private static final int SCALE = 2;

  private final List<Supplier<Chart<?, ?>>> charts = new ArrayList<>();

  /** Adds a panel to the right of the others. */
  Panel add(String title) {
    Panel panel = new Panel(title, WIDTH, HEIGHT);
    charts.add(panel::chart);
    return panel;
  }

  /** Adds a matrix of values from 0, white, to 1, blue; its first row is on top. */
  void addMatrix(String title, double[][] rows) {
    charts.add(() -> MatrixPanel.of(title, rows, WIDTH, HEIGHT));
  }

  /** Writes a PNG with the given number of panels in a row. */
  void save(Path path, int columns) throws IOException {
    int rows = (charts.size() + columns - 1) / columns;
    BufferedImage image =
        new BufferedImage(
            SCALE * WIDTH * columns, SCALE * HEIGHT * rows, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, image.getWidth(), image.getHeight());
    graphics.scale(SCALE, SCALE);
    for (int i = 0; i < charts.size(); i++) {
      Graphics2D part = (Graphics2D) graphics.create();
      part.translate(WIDTH * (i % columns), HEIGHT * (i / columns));
      charts.get(i).get().paint(part, WIDTH, HEIGHT);
      part.dispose();
    }
    graphics.dispose();
    ImageIO.write(image, "png", path.toFile());
  }
}
