package org.cooper4j.solver;

import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.internal.Readout;

/** How long the gradient of every constraint is: exactly for few, by random directions for many. */
final class Steepness {
  /** Up to so many constraints' gradients are measured one by one, a backward pass each. */
  private static final int MOST_ROWS = 64;

  /** So many random directions tell how long more gradients are, to a factor of two or so. */
  private static final int DIRECTIONS = 8;

  private final Graph graph;
  private final Layout layout;

  private Steepness(Graph graph, Layout layout) {
    this.graph = graph;
    this.layout = layout;
  }

  /** A length for each constraint, in the layout's order; the graph stays. */
  static double[] of(Graph graph, Layout layout) {
    Steepness steepness = new Steepness(graph, layout);
    if (!graph.violations().requires_grad()) {
      return new double[layout.size()];
    }
    if (layout.size() <= MOST_ROWS) {
      return steepness.byParts(true);
    }
    try {
      return steepness.sampled();
    } catch (RuntimeException e) {
      return steepness.byParts(false); // not everything can be differentiated twice
    }
  }

  /**
   * Of many at a time: the mean of (∇c · u)² over random u is ‖∇c‖², and all ∇c · u are the
   * derivatives of u · Σ w ∇c for the weights w.
   */
  private double[] sampled() {
    Tensor violations = graph.violations();
    Tensor weights = torch.zeros_like(violations).requires_grad_(true);
    TensorVector gradients = graph.differentiableGradients(violations, weights);
    Tensor squares = torch.zeros_like(violations);
    Random random = new Random(0);
    for (int i = 0; i < DIRECTIONS; i++) {
      Tensor product = torch.zeros(new long[0], violations.options());
      for (int k = 0; k < graph.variables().size(); k++) {
        Tensor gradient = gradients.get(k);
        if (gradient.defined()) {
          double[] direction = random.doubles(gradient.numel(), -1, 1).toArray();
          Tensor u = layout.vector(direction).view_as(graph.variables().get(k));
          product = product.add(gradient.mul(u).sum());
        }
      }
      Tensor along =
          torch
              .grad(
                  new TensorVector(product),
                  new TensorVector(weights),
                  new TensorVector(),
                  new BoolOptional(true),
                  false,
                  false)
              .get(0);
      squares = squares.add(along.square());
    }
    // The mean of a square in [-1, 1] is a third.
    return Readout.values(squares.mul(new Scalar(3.0 / DIRECTIONS)).sqrt());
  }

  /**
   * By a backward pass each.
   *
   * @param each whether for every constraint's every element; else elements get their mean
   */
  private double[] byParts(boolean each) {
    double[] lengths = new double[layout.size()];
    Random signs = new Random(0);
    int at = 0;
    for (Tensor part : graph.parts()) {
      int size = (int) part.numel();
      int rows = each ? 1 : size;
      for (int i = 0; i < size; i += rows) {
        double[] probe = new double[size];
        for (int row = 0; row < rows; row++) {
          // With random signs the gradients' products cancel: what is left is their mean length.
          probe[i + row] = rows == 1 || signs.nextBoolean() ? 1 : -1;
        }
        double length = part.requires_grad() ? length(part, probe) / Math.sqrt(rows) : 0;
        Arrays.fill(lengths, at + i, at + i + rows, length);
      }
      at += size;
    }
    return lengths;
  }

  /** Of one constraint alone, so that many are not each a walk through the graph of all. */
  private double length(Tensor part, double[] probe) {
    try (PointerScope temporaries = new PointerScope()) {
      TensorVector gradients = graph.gradients(part, layout.vector(probe));
      double square = 0;
      for (long i = 0; i < gradients.size(); i++) {
        if (gradients.get(i).defined()) {
          double norm = Graph.dense(gradients.get(i)).norm().item_double();
          square += norm * norm;
        }
      }
      return Math.sqrt(square);
    }
  }
}
