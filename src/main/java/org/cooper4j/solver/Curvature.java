package org.cooper4j.solver;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.internal.Readout;
import org.cooper4j.internal.Tensors;

/**
 * What the last steps told of the curvature: L-BFGS (Nocedal and Wright, Algorithm 7.4).
 *
 * <p>The recursion works on coefficients: with steps s, changes y of the gradient and the gradient
 * itself as the rows of one matrix B, all that it needs are the inner products B F Bᵀ, one product
 * of matrices (Chen et al., "Large-scale L-BFGS using MapReduce", 2014), and what it gives is a
 * combination of the rows. F is diagonal: 0 for variables that their bounds hold, so that the
 * direction is the quasi-Newton one of the others (Bertsekas' two-metric projection).
 */
final class Curvature {
  /** Pairs below this cosine say nothing about the curvature but its rounding errors. */
  private static final double LEAST_COSINE = 1e-10;

  private final int memory;
  private final Tensor rows; // s of pair 0 … memory − 1, y likewise, the gradient
  private int pairs;
  private int next;

  /**
   * @param like [n], of whose dtype and device
   */
  Curvature(int memory, Tensor like) {
    this.memory = memory;
    rows = Tensors.keep(torch.zeros(new long[] {2L * memory + 1, like.numel()}, like.options()));
  }

  int pairs() {
    return pairs;
  }

  Tensor rows() {
    return rows;
  }

  int next() {
    return next;
  }

  /**
   * Goes on with another one's rows.
   *
   * @throws IllegalArgumentException if it remembered more or fewer pairs
   */
  void restore(Tensor savedRows, int savedPairs, int savedNext) {
    if (savedRows.size(0) != rows.size(0)) {
      throw new IllegalArgumentException(
          "pairs: they are of historySize "
              + savedRows.size(0) / 2
              + ", and this solver's is "
              + memory
              + "; call historySize("
              + savedRows.size(0) / 2
              + ")");
    }
    Tensors.copyInto(rows, savedRows);
    pairs = savedPairs;
    next = savedNext;
  }

  void forget() {
    pairs = 0;
    next = 0;
  }

  /** Remembers a step, unless the gradient did not rise along it. */
  void add(Tensor step, Tensor change) {
    double product = step.dot(change).item_double();
    double lengths = Math.sqrt(step.dot(step).item_double() * change.dot(change).item_double());
    if (!(product > LEAST_COSINE * lengths)) {
      return;
    }
    rows.select(0, next).copy_(step);
    rows.select(0, memory + next).copy_(change);
    next = (next + 1) % memory;
    pairs = Math.min(pairs + 1, memory);
  }

  /**
   * The quasi-Newton direction.
   *
   * @param free as {@link Box#free} gives it
   * @return [n], downhill; null if no pair says anything about the free variables
   */
  Tensor direction(Tensor gradient, Tensor free) {
    if (pairs == 0) {
      return null;
    }
    int g = 2 * memory;
    rows.select(0, g).copy_(gradient);
    double[][] inner = innerProducts(free);
    double[] combination = new double[g + 1];
    combination[g] = 1;
    double[] alpha = new double[memory];
    double scale = 0;
    for (int back = 1; back <= pairs; back++) {
      int s = Math.floorMod(next - back, memory);
      int y = memory + s;
      if (isUsable(inner, s, y)) {
        alpha[s] = dot(combination, inner[s]) / inner[s][y];
        combination[y] -= alpha[s];
        scale = scale == 0 ? inner[s][y] / inner[y][y] : scale;
      }
    }
    if (scale == 0) {
      return null;
    }
    for (int i = 0; i <= g; i++) {
      combination[i] *= scale;
    }
    for (int back = pairs; back >= 1; back--) {
      int s = Math.floorMod(next - back, memory);
      int y = memory + s;
      if (isUsable(inner, s, y)) {
        combination[s] += alpha[s] - dot(combination, inner[y]) / inner[s][y];
      }
    }
    for (int i = 0; i <= g; i++) {
      combination[i] = -combination[i];
    }
    Tensor weights = Tensor.create(combination).to(rows.device(), rows.scalar_type());
    Tensor direction = rows.t().mv(weights);
    return free == null ? direction : direction.mul(free);
  }

  private static boolean isUsable(double[][] inner, int s, int y) {
    return inner[s][y] > LEAST_COSINE * Math.sqrt(inner[s][s] * inner[y][y]);
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private double[][] innerProducts(Tensor free) {
    int n = 2 * memory + 1;
    try (PointerScope temporaries = new PointerScope()) {
      Tensor product = (free == null ? rows : rows.mul(free)).mm(rows.t());
      double[] values = Readout.values(product);
      double[][] inner = new double[n][n];
      for (int i = 0; i < n; i++) {
        System.arraycopy(values, i * n, inner[i], 0, n);
      }
      return inner;
    }
  }
}
