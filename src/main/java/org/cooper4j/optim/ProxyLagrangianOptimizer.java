package org.cooper4j.optim;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.formulations.Formulation.Kernel;
import org.cooper4j.internal.Readout;
import org.cooper4j.internal.Tensors;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.multipliers.Multiplier;

/**
 * Plays the proxy-Lagrangian game of Cotter, Jiang and Sridharan, "Two-Player Games for Efficient
 * Non-Convex Constrained Optimization" (ALT 2019, Algorithm 2), for constraints whose violation
 * stands in for a strict one without a useful gradient. One player moves the variables down
 *
 * <pre>λ₀ f(x) + Σ λ_k ĝ_k(x)</pre>
 *
 * <p>of the violations ĝ; the other minimises its swap regret in the strict violations g: its λ, a
 * distribution over the objective and all m constraints, is the stationary one of a left-stochastic
 * matrix M (M λ = λ), which is updated by
 *
 * <pre>M ← M ⊙ exp(η (0, g) λᵀ), columns normalised</pre>
 *
 * <p>Over its iterates, drawn uniformly, the variables' player then is nearly optimal and feasible
 * in the strict violations, which the Lagrangian optimizers cannot promise when both differ; {@link
 * Candidates#findBestCandidateDistribution} shrinks them to m + 1. Mirrors {@code
 * ProxyLagrangianOptimizer} of TensorFlow Constrained Optimization with swap regret and
 * multiplicative updates.
 *
 * <pre>{@code
 * var optimizer = new ProxyLagrangianOptimizer<>(problem,
 *     new Adam(model.parameters(), new AdamOptions(1e-3)),
 *     matrix -> new SGD(matrix, new SGDOptions(0.1)));
 * }</pre>
 *
 * <p>Constraints are inequalities in the Lagrangian formulation with a {@link DenseMultiplier}; an
 * equality is two of them. Their multipliers hold λ_k / λ₀, which this writes after each step, so
 * that they read as Lagrange multipliers, and start nearly at 0. The matrix has (m + 1)² elements
 * and a step takes O(m³) on the CPU, so m is best below some hundreds; with multipliers on a CUDA
 * device every step waits for it. Multipliers are no dual optimizer's here, so that {@link
 * #stateDict()} has the matrix besides, under {@code log_stochastic_matrix}.
 */
public final class ProxyLagrangianOptimizer<B> extends CooperOptimizer<B> {
  private static final String MATRIX = "log_stochastic_matrix";
  private static final double RADIUS = 1e-3;

  private final StochasticMatrix matrix;
  private final List<DenseMultiplier> multipliers;

  /**
   * Starts with nearly all weight on the objective, as TensorFlow Constrained Optimization does:
   * both radii are 1e-3.
   *
   * @param dualOptimizer makes the optimizer of the matrix's logarithms, of which SGD's steps are
   *     the multiplicative updates
   */
  public ProxyLagrangianOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      Optimizer primalOptimizer,
      Function<TensorVector, ? extends Optimizer> dualOptimizer) {
    this(cmp, Collections.singletonList(primalOptimizer), dualOptimizer, RADIUS, RADIUS);
  }

  /**
   * Starts anywhere; the paper's algorithm has radii of 1 and 0.
   *
   * @param initialRadius above 0 and at most 1: each constraint's weight starts at this / (m + 1)
   * @param minimumRadius from 0 to the initial one: no weight of the matrix falls below this / (m +
   *     1), so that constraints that were met for long are soon felt again
   * @throws IllegalArgumentException if a radius is another, or a constraint is none that this
   *     takes
   */
  public ProxyLagrangianOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends Optimizer> primalOptimizers,
      Function<TensorVector, ? extends Optimizer> dualOptimizer,
      double initialRadius,
      double minimumRadius) {
    this(
        cmp,
        primalOptimizers,
        dualOptimizer,
        new StochasticMatrix(1 + countOf(cmp), initialRadius, minimumRadius));
  }

  private ProxyLagrangianOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends Optimizer> primalOptimizers,
      Function<TensorVector, ? extends Optimizer> dualOptimizer,
      StochasticMatrix matrix) {
    super(
        cmp,
        primalOptimizers,
        Collections.singletonList(dualOptimizer.apply(new TensorVector(matrix.parameter()))),
        matrix.parameter());
    this.matrix = matrix;
    multipliers = cmp.multipliers().stream().map(DenseMultiplier.class::cast).toList();
    writeMultipliers();
  }

  /** How many inequalities there are. */
  private static int countOf(ConstrainedMinimizationProblem<?> cmp) {
    long count = 0;
    for (Constraint constraint : cmp.constraints()) {
      if (constraint.constraintType() != ConstraintType.INEQUALITY
          || constraint.formulation().kernel() != Kernel.LAGRANGIAN
          || !(constraint.multiplier().orElse(null) instanceof DenseMultiplier)) {
        throw new IllegalArgumentException(
            "constraint '"
                + constraint.name().orElse("?")
                + "' is "
                + constraint
                + "; the proxy-Lagrangian takes inequalities in the Lagrangian formulation with a"
                + " DenseMultiplier: write h = 0 as h <= 0 and -h <= 0");
      }
    }
    for (Multiplier multiplier : cmp.multipliers()) {
      count += ((DenseMultiplier) multiplier).numConstraints();
    }
    if (count == 0) {
      throw new IllegalArgumentException(
          "the problem has no constraints; register them first, or use UnconstrainedOptimizer");
    }
    return Math.toIntExact(count);
  }

  /** λ: of the objective, then of each constraint in the order of registration; sums to 1. */
  public double[] distribution() {
    return matrix.distribution().clone();
  }

  @Override
  RollOut update(B batch, B violationsBatch) {
    if (cmp().multipliers().size() != multipliers.size()) {
      throw new IllegalStateException(
          "a constraint was registered after this optimizer was made, whose matrix has no place for"
              + " it; make another one");
    }
    clearMultiplierGradients();
    CMPState state = evaluate(batch);
    CMPState.Lagrangians lagrangians = differentiate(state);
    primalStep();
    stepDualOptimizers();
    matrix.project();
    writeMultipliers();
    return new RollOut(state, lagrangians.primal(), lagrangians.dual());
  }

  private void clearMultiplierGradients() {
    try (PointerScope temporaries = new PointerScope()) {
      for (DenseMultiplier multiplier : multipliers) {
        Tensor gradient = multiplier.weight().grad();
        if (gradient.defined()) {
          gradient.zero_();
        }
      }
    }
  }

  /** The Lagrangian that was differentiated is the game's over λ₀. */
  @Override
  void gradientsComputed() {
    matrix.accumulate(violations());
    scalePrimalGradients(matrix.distribution()[0]);
  }

  /** The strict ones, which the backward pass leaves in the multipliers, negated; 0 if not seen. */
  private double[] violations() {
    double[] all = new double[matrix.distribution().length - 1];
    int next = 0;
    try (PointerScope temporaries = new PointerScope()) {
      for (DenseMultiplier multiplier : multipliers) {
        Tensor gradient = multiplier.weight().grad();
        int count = (int) multiplier.numConstraints();
        if (gradient.defined()) {
          double[] own = Readout.values(gradient);
          for (int i = 0; i < count; i++) {
            all[next + i] = -own[i];
          }
        }
        next += count;
      }
    }
    return all;
  }

  private void writeMultipliers() {
    double[] distribution = matrix.distribution();
    int next = 1;
    try (PointerScope temporaries = new PointerScope()) {
      for (DenseMultiplier multiplier : multipliers) {
        double[] values = new double[(int) multiplier.numConstraints()];
        for (int i = 0; i < values.length; i++) {
          values[i] = distribution[next++] / distribution[0];
        }
        Tensors.copyInto(multiplier.weight(), Tensor.create(values));
      }
    }
  }

  @Override
  Map<String, Object> ownState() {
    try (PointerScope temporaries = new PointerScope()) {
      return Map.of(MATRIX, Tensors.keep(matrix.parameter().detach().clone()));
    }
  }

  @Override
  void loadOwnState(Map<String, ?> state, boolean dry) {
    if (!(state.get(MATRIX) instanceof Tensor saved)) {
      throw new IllegalArgumentException(
          MATRIX + ": missing; the state is not of a ProxyLagrangianOptimizer");
    }
    matrix.requireFit(saved, MATRIX);
    if (!dry) {
      matrix.load(saved);
      writeMultipliers();
    }
  }
}
