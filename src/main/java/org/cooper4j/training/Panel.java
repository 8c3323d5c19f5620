package org.cooper4j.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.cooper4j.optim.Candidates;

/**
 * One plot of a {@link Picture}. Colours follow each other unless one is chosen. Values that are
 * not finite, and on a logarithmic axis those that are not positive, are left out.
 */
public final class Panel {
  /** How a series is drawn. */
  enum Kind {
    LINE,
    MARKED,
    POINTS,
    AREA,
    DASHED,
    LEVEL
  }

  /** What is drawn; without a label it is not in the legend, colours below 0 are gray. */
  record Series(Kind kind, String label, int colour, double[] xs, double[] ys) {}

  private static final int GRAY = -1;

  private final String title;
  private final List<Series> series = new ArrayList<>();
  private String xLabel = "";
  private String yLabel = "";
  private boolean logarithmic;
  private boolean positive;
  private double[] range;
  private double[][] matrix;
  private int nextColour;

  Panel(String title) {
    this.title = title;
  }

  /** Labels the horizontal axis. */
  public Panel xLabel(String label) {
    xLabel = label;
    return this;
  }

  /** Labels the vertical axis. */
  public Panel yLabel(String label) {
    yLabel = label;
    return this;
  }

  /** Makes the vertical axis logarithmic. */
  public Panel logarithmic() {
    logarithmic = true;
    return this;
  }

  /** Gives both axes the same range, which cuts what lies outside. */
  public Panel range(double least, double most) {
    if (!(least < most)) {
      throw new IllegalArgumentException(
          "the range is from " + least + " to " + most + "; give a smaller one first");
    }
    range = new double[] {least, most};
    return this;
  }

  /** Chooses the colour of what comes next: 0 is blue, 1 orange, 2 green, 3 red, 4 purple. */
  public Panel colour(int number) {
    nextColour = Math.max(0, number);
    return this;
  }

  /**
   * Draws ys over xs.
   *
   * @param label for the legend, or null
   * @throws IllegalArgumentException as all of these: if there are more of one than of the other
   */
  public Panel line(String label, double[] xs, double[] ys) {
    return add(Kind.LINE, label, nextColour++, xs, ys);
  }

  /** Draws ys over xs without a label. */
  public Panel line(double[] xs, double[] ys) {
    return line(null, xs, ys);
  }

  /** Draws ys over xs with a circle at each point. */
  public Panel marked(String label, double[] xs, double[] ys) {
    return add(Kind.MARKED, label, nextColour++, xs, ys);
  }

  /** Draws points only. */
  public Panel points(String label, double[] xs, double[] ys) {
    return add(Kind.POINTS, label, nextColour++, xs, ys);
  }

  /** Fills the polygon with these corners palely. */
  public Panel area(double[] xs, double[] ys) {
    return add(Kind.AREA, null, nextColour++, xs, ys);
  }

  /** Draws a dashed gray line. */
  public Panel dashed(double[] xs, double[] ys) {
    return add(Kind.DASHED, null, GRAY, xs, ys);
  }

  /** Draws a gray line across the panel. */
  public Panel level(double y) {
    return add(Kind.LEVEL, null, GRAY, new double[1], new double[] {y});
  }

  /**
   * Draws the trade-off of a run: the objective of each candidate over the largest of its
   * violations, feasible ones left of a line at 0, and the one that was chosen, perhaps on other
   * data.
   *
   * @param objectives of each candidate
   * @param violations of each candidate, one a constraint
   * @param best the candidate that was chosen, as by {@link
   *     Candidates#findBestCandidateIndex(double[], double[][], boolean)}
   * @throws IllegalArgumentException if there are no constraints, or not as many rows of violations
   *     as objectives
   * @throws IndexOutOfBoundsException if there is no such candidate
   */
  public Panel candidates(double[] objectives, double[][] violations, int best) {
    if (violations.length != objectives.length) {
      throw new IllegalArgumentException(
          "panel '%s': %d objectives and %d rows of violations"
              .formatted(title, objectives.length, violations.length));
    }
    Objects.checkIndex(best, objectives.length);
    double[] largest = Arrays.stream(violations).mapToDouble(Panel::largest).toArray();
    points("candidates", largest, objectives);
    marked("best", new double[] {largest[best]}, new double[] {objectives[best]});
    double least = Arrays.stream(objectives).min().orElse(0);
    double most = Arrays.stream(objectives).max().orElse(0);
    return dashed(new double[2], new double[] {least, most})
        .xLabel("largest violation")
        .yLabel("objective");
  }

  /**
   * Draws where a mixture of candidates is among {@link #candidates}: at its expected objective and
   * the largest of its expected violations.
   *
   * @param probabilities of each candidate, as {@link Candidates#findBestCandidateDistribution}
   *     gives them
   * @throws IllegalArgumentException if there are not as many of them
   */
  public Panel mixture(double[] probabilities, double[] objectives, double[][] violations) {
    if (probabilities.length != objectives.length || probabilities.length != violations.length) {
      throw new IllegalArgumentException(
          "panel '%s': %d probabilities of %d objectives and %d rows of violations"
              .formatted(title, probabilities.length, objectives.length, violations.length));
    }
    double[] means = new double[violations[0].length];
    double objective = 0;
    for (int i = 0; i < probabilities.length; i++) {
      double probability = probabilities[i];
      double[] row = violations[i];
      objective += probability * objectives[i];
      Arrays.setAll(means, k -> means[k] + probability * row[k]);
    }
    return marked("mixture", new double[] {largest(means)}, new double[] {objective});
  }

  private static double largest(double[] violations) {
    return Arrays.stream(violations)
        .max()
        .orElseThrow(() -> new IllegalArgumentException("a candidate without violations"));
  }

  /**
   * Shows a matrix and nothing else: values from 0 to 1, its first row on top.
   *
   * @throws IllegalArgumentException if it is empty, or its rows are not as long as each other
   */
  public Panel matrix(double[][] rows) {
    if (rows.length == 0 || rows[0].length == 0) {
      throw new IllegalArgumentException("panel '" + title + "': the matrix is empty");
    }
    for (double[] row : rows) {
      if (row.length != rows[0].length) {
        throw new IllegalArgumentException(
            "panel '%s': the matrix has rows of %d and of %d values"
                .formatted(title, rows[0].length, row.length));
      }
    }
    matrix = rows.clone();
    return this;
  }

  private Panel add(Kind kind, String label, int colour, double[] xs, double[] ys) {
    if (xs.length != ys.length) {
      throw new IllegalArgumentException(
          "panel '%s': %d xs but %d ys; give one of each a point"
              .formatted(title, xs.length, ys.length));
    }
    series.add(new Series(kind, label, colour, xs.clone(), ys.clone()));
    return this;
  }

  String title() {
    return title;
  }

  String xLabel() {
    return xLabel;
  }

  String yLabel() {
    return yLabel;
  }

  /** Says that {@link Picture#logarithmic()} is for it. */
  Panel positive() {
    positive = true;
    return this;
  }

  boolean isPositive() {
    return positive;
  }

  boolean isLogarithmic() {
    return logarithmic;
  }

  /** The range of both axes; null if it is that of what is drawn. */
  double[] range() {
    return range;
  }

  /** Null if there is none. */
  double[][] matrix() {
    return matrix;
  }

  List<Series> series() {
    return Collections.unmodifiableList(series);
  }
}
