package org.cooper4j.optim;

import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Tensors;

/**
 * The left-stochastic matrix of swap regret, by its logarithms: float64 {@code [n, n]} on the CPU,
 * so that a descent of them is a multiplicative update.
 */
final class StochasticMatrix {
  /** Where no entry may vanish, so that the stationary distribution stays one. */
  private static final double LEAST_LOGARITHM = -230;

  private final int size;
  private final double floor;
  private final Tensor logarithms;
  private double[] distribution;

  /**
   * Columns alike: 1 − radius (n − 1) / n in the first row, radius / n in the others.
   *
   * @param minimumRadius no entry becomes less than this / n
   */
  StochasticMatrix(int size, double initialRadius, double minimumRadius) {
    if (!(minimumRadius >= 0 && minimumRadius <= initialRadius && initialRadius <= 1)
        || initialRadius == 0) {
      throw new IllegalArgumentException(
          "the initial radius is "
              + initialRadius
              + " and the minimum radius "
              + minimumRadius
              + "; expected 0 <= minimum <= initial <= 1, and the initial one above 0");
    }
    this.size = size;
    floor = Math.max(Math.log(minimumRadius / size), LEAST_LOGARITHM);
    double[] values = new double[size * size];
    Arrays.fill(values, Math.log(initialRadius / size));
    Arrays.fill(values, 0, size, Math.log1p(-initialRadius * (size - 1) / size));
    try (PointerScope temporaries = new PointerScope()) {
      logarithms = Tensors.keep(Tensor.create(values, size, size).requires_grad_(true));
    }
    distribution = stationary(values);
  }

  /** What a dual optimizer moves. */
  Tensor parameter() {
    return logarithms;
  }

  /** λ with M λ = λ, summing to 1. */
  double[] distribution() {
    return distribution;
  }

  /** Adds the negated gradient of the violations, 0 for the objective: −(0, g) λᵀ. */
  void accumulate(double[] violations) {
    double[] gradient = new double[size * size];
    for (int i = 1; i < size; i++) {
      for (int j = 0; j < size; j++) {
        gradient[i * size + j] = -violations[i - 1] * distribution[j];
      }
    }
    try (PointerScope temporaries = new PointerScope()) {
      logarithms.mul(Tensor.create(gradient, size, size)).sum().backward();
    }
  }

  /** Makes columns sum to 1 again, without entries below the least. */
  void project() {
    double[] values = values();
    for (int j = 0; j < size; j++) {
      normalise(values, j);
      boolean raised = false;
      for (int i = 0; i < size; i++) {
        if (values[i * size + j] < floor) {
          values[i * size + j] = floor;
          raised = true;
        }
      }
      if (raised) {
        normalise(values, j);
      }
    }
    logarithms.data_ptr_double().put(values);
    distribution = stationary(values);
  }

  private void normalise(double[] values, int column) {
    double most = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < size; i++) {
      most = Math.max(most, values[i * size + column]);
    }
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += Math.exp(values[i * size + column] - most);
    }
    double logarithm = most + Math.log(sum);
    for (int i = 0; i < size; i++) {
      values[i * size + column] -= logarithm;
    }
  }

  double[] values() {
    double[] values = new double[size * size];
    logarithms.data_ptr_double().get(values);
    return values;
  }

  /** Copies logarithms that {@link #requireFit} let through. */
  void load(Tensor saved) {
    Tensors.copyInto(logarithms, saved);
    distribution = stationary(values());
  }

  void requireFit(Tensor saved, String what) {
    Tensors.requireSameShape(logarithms, saved, what);
    Tensors.requireValues(saved, false, what);
  }

  /**
   * By elimination without subtractions, which is exact to rounding whatever the entries
   * (Grassmann, Taksar and Heyman, "Regenerative Analysis and Steady State Distributions for Markov
   * Chains", Operations Research 1985). O(n³).
   */
  private double[] stationary(double[] logs) {
    double[] to = new double[size * size]; // to[j * size + i]: from i to j
    Arrays.setAll(to, k -> Math.exp(logs[k]));
    for (int k = size - 1; k > 0; k--) {
      double out = 0;
      for (int j = 0; j < k; j++) {
        out += to[j * size + k];
      }
      for (int i = 0; i < k; i++) {
        to[k * size + i] /= out;
        for (int j = 0; j < k; j++) {
          to[j * size + i] += to[k * size + i] * to[j * size + k];
        }
      }
    }
    double[] found = new double[size];
    found[0] = 1;
    double sum = 1;
    for (int k = 1; k < size; k++) {
      for (int i = 0; i < k; i++) {
        found[k] += found[i] * to[k * size + i];
      }
      sum += found[k];
    }
    for (int k = 0; k < size; k++) {
      found[k] /= sum;
    }
    return found;
  }
}
