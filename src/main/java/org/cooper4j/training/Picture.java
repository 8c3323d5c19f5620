package org.cooper4j.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Panels side by side, as PNG or SVG. Drawing needs no screen.
 *
 * <p>It needs XChart, which cooper4j does not bring along: the dependency {@code
 * org.knowm.xchart:xchart:3.8.8}, and in a module {@code requires org.knowm.xchart} and {@code
 * requires java.desktop}.
 */
public final class Picture {
  private static final String MISSING =
      "pictures need XChart; add the dependency org.knowm.xchart:xchart:3.8.8, and in a module"
          + " 'requires org.knowm.xchart; requires java.desktop;'";

  private final List<Panel> panels = new ArrayList<>();
  private int columns;
  private boolean dark;
  private double smoothing;

  /** Makes a picture without panels. */
  public Picture() {}

  /**
   * The panels of a training: loss, what else was recorded, multipliers, violations with their zero
   * line, and the largest violation of all; none of what there is nothing of. Numbers that were
   * published, such as {@code validation/loss}, are drawn beside those of the rolls.
   *
   * <pre>{@code
   * Picture.of(history).smoothed(0.9).save(Path.of("training.png"));
   * }</pre>
   */
  public static Picture of(History history) {
    return TrainingPanels.of(history);
  }

  /** Adds a panel after the others. */
  public Panel panel(String title) {
    Panel panel = new Panel(title);
    panels.add(panel);
    return panel;
  }

  /**
   * Sets the number of panels in a row; by default it is chosen for their number.
   *
   * @throws IllegalArgumentException if it is not positive
   */
  public Picture columns(int number) {
    if (number < 1) {
      throw new IllegalArgumentException("a row has " + number + " panels; give at least 1");
    }
    columns = number;
    return this;
  }

  /** Takes light lines on a dark ground; by default the ground is white. */
  public Picture dark() {
    dark = true;
    return this;
  }

  /**
   * Makes the vertical axes of loss and largest violation logarithmic, in a picture {@link
   * #of(History) of a history}; what is not positive is left out.
   */
  public Picture logarithmic() {
    panels.stream().filter(Panel::isPositive).forEach(Panel::logarithmic);
    return this;
  }

  /**
   * Draws lines of 50 points and more as exponential moving averages, and pale what they are of.
   *
   * @param weight of what was before, from 0 to below 1, as TensorBoard's slider
   * @throws IllegalArgumentException if it is another one
   */
  public Picture smoothed(double weight) {
    if (!(weight >= 0 && weight < 1)) {
      throw new IllegalArgumentException(
          "the weight of smoothing is " + weight + "; give one from 0 to below 1, such as 0.9");
    }
    smoothing = weight;
    return this;
  }

  /**
   * Writes the picture.
   *
   * @param path its name ends with {@code .png} or {@code .svg}; its folder is made
   * @throws IllegalArgumentException if it ends with something else
   * @throws IllegalStateException if XChart is missing, or there is no panel
   * @throws UncheckedIOException if it cannot be written
   */
  public void save(Path path) {
    String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
    boolean svg = name.endsWith(".svg");
    if (!svg && !name.endsWith(".png")) {
      throw new IllegalArgumentException(
          path + ": expected the name of a picture, which ends with .png or .svg");
    }
    byte[] bytes = draw(svg);
    try {
      Files.createDirectories(path.toAbsolutePath().getParent());
      Files.write(path, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(path + ": the picture cannot be written: " + e, e);
    }
  }

  /**
   * The picture as a PNG file's bytes.
   *
   * @throws IllegalStateException if XChart is missing, or there is no panel
   */
  public byte[] png() {
    return draw(false);
  }

  private byte[] draw(boolean svg) {
    if (panels.isEmpty()) {
      throw new IllegalStateException("the picture has no panel; add one by panel(title)");
    }
    int row = columns > 0 ? columns : rowOf(panels.size());
    try {
      Drawing drawing = new Drawing(panels, row, dark, smoothing);
      return svg ? drawing.svg() : drawing.png();
    } catch (NoClassDefFoundError e) {
      throw new IllegalStateException(MISSING, e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot draw the picture: " + e, e);
    }
  }

  private static int rowOf(int panels) {
    return panels <= 3 ? panels : (int) Math.ceil(Math.sqrt(panels));
  }
}
