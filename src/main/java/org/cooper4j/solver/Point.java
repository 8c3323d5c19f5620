package org.cooper4j.solver;

import org.bytedeco.pytorch.Tensor;

/**
 * The problem, and the augmented Lagrangian, at one point.
 *
 * @param x [n]
 * @param violations [m], of all constraints, in their own units
 * @param weights [m], what the multipliers of the scaled constraints would become here
 * @param gradient [n], of the augmented Lagrangian
 * @param value the augmented Lagrangian, of scaled objective and constraints
 * @param objective f(x)
 * @param scaledObjective |f(x)| as it enters the value
 * @param infeasibility the largest violation in the constraints' own units
 * @param scaledInfeasibility the same of the scaled constraints
 * @param steepest the largest |entry| of the gradient
 */
record Point(
    Tensor x,
    Tensor violations,
    Tensor weights,
    Tensor gradient,
    double value,
    double objective,
    double scaledObjective,
    double infeasibility,
    double scaledInfeasibility,
    double steepest)
    implements AutoCloseable {

  /** Whether there is a value and a gradient to go on with. */
  boolean isFinite() {
    return Double.isFinite(value) && Double.isFinite(infeasibility) && Double.isFinite(steepest);
  }

  /** Gives the memory back. */
  @Override
  public void close() {
    x.close();
    violations.close();
    weights.close();
    gradient.close();
  }
}
