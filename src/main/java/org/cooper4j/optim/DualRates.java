package org.cooper4j.optim;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.checkpoint.OptimizerState;
import org.cooper4j.formulations.PenaltyBarrier;
import org.cooper4j.internal.Log;
import org.cooper4j.internal.Tensors;
import org.cooper4j.multipliers.ExplicitMultiplier;
import org.cooper4j.optim.torch.ExtraSGD;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIOptions;

/**
 * Dual steps that need no rate: their units are measured in training.
 *
 * <pre>{@code
 * var optimizer = new SimultaneousOptimizer<>(
 *     problem, primal, DualRates.controller(problem.dualParameters()));
 * DualRates.of(optimizer);
 * }</pre>
 *
 * <p>Two numbers are measured for every constraint, by sums over the variables x_i that the primal
 * optimizers move:
 *
 * <pre>
 * unit  u = Σ |∂f/∂x_i| |∂g/∂x_i| / ‖∇g‖²     at which multiplier it pulls as hard as the loss
 * reach r = Σ |∂g/∂x_i| |Δx_i|                how far one primal step can move it
 * e = k u clamp(g / (T r), −1, 1),  T = 50
 * </pre>
 *
 * <p>with k = 1 for a constraint that every step observes. One that is observed in every k-th step
 * pulls in these alone, and so k times as hard; k is a running mean, and at most 8 divided by the
 * number of all rows, which may pull together, but 1 at least.
 *
 * <p>The multiplier's gradient is then e in place of the violation g, from which {@link
 * #controller} makes the step
 *
 * <pre>λ ← [λ + e_t / T + 2 (e_t − e_{t−1})]₊</pre>
 *
 * <p>For a primal SGD of rate α, and k = 1, that is λ ← [λ + (g_t / T + 2 (g_t − g_{t−1})) / (T α
 * ‖∇g‖²)]₊, the proportional and the integral gain with which a violation is gone in about T steps
 * without swinging, whatever the curvature. Neither the scale of the loss nor that of a constraint
 * matters, nor the learning rate.
 *
 * <p>Both are running means, but the unit at least 0.8 times the newest one: near the minimum of
 * the loss its gradient, and with it the unit, is small, and grows as the constraint pulls away
 * from there. They are measured every 10th step, by a backward pass of the loss and one of a single
 * constraint, so that a step costs a fifth of a backward pass more, and every 10th one a copy of
 * the variables. Each element of a dense constraint of up to 16 has a unit and a reach of its own.
 * Larger constraints and indexed ones have one of each for all elements, in the direction of their
 * violation: scale such elements alike. While a row has had no gradient yet, every step measures
 * it, its multiplier stays, and a warning is logged after 30 steps. While no constraint is observed
 * any more, every step makes the copy. A constraint that every k-th step observes takes k times as
 * many steps to hold, and more than that where k is cut. The roll that measures has them in {@code
 * values().misc()} as {@code dual_unit/NAME} and {@code dual_reach/NAME}; in a roll over parts,
 * which those of several processes are, too, both are means and are to be divided by {@code
 * dual_share/NAME}, the share of the parts in which the row had a gradient. These names are not for
 * a {@code misc} of your own: it would be taken for a measurement, or be replaced by one. What each
 * part of this contributes was measured: {@code docs/algorithms.md}.
 */
public final class DualRates implements GradientHook {
  private static final int HORIZON = 50;
  private static final int PATIENCE = 3 * DualMeter.EVERY;

  private final ConstrainedOptimizer<?> optimizer;
  private final DualMeter meter;
  private final Map<String, Integer> waited = new LinkedHashMap<>(); // steps, by constraint
  private boolean loaded; // the dual optimizers' options may be others than those that were checked

  private DualRates(ConstrainedOptimizer<?> optimizer, DualMeter meter) {
    this.optimizer = optimizer;
    this.meter = meter;
  }

  /**
   * Sets the dual steps of an optimizer from now on.
   *
   * @return the hook that does it, whose state is in the optimizer's state dict
   * @throws IllegalArgumentException if a dual optimizer scales its steps itself, as Adam does, or
   *     has momentum or weight decay, or a module computes a multiplier, or a constraint is a
   *     PenaltyBarrier, or the optimizer has DualRates already
   */
  public static DualRates of(ConstrainedOptimizer<?> optimizer) {
    Objects.requireNonNull(optimizer, "optimizer");
    for (Optimizer dual : optimizer.dualOptimizers()) {
      if (!(dual instanceof NuPI || dual instanceof SGD || dual instanceof ExtraSGD)) {
        throw new IllegalArgumentException(
            "a dual optimizer is "
                + dual.getClass().getSimpleName()
                + ", whose steps have a scale of their own; give"
                + " DualRates.controller(problem.dualParameters())");
      }
      requirePlain(dual);
    }
    if (optimizer.dualHooks().contains(DualRates.class)) {
      throw new IllegalArgumentException(
          "this optimizer has DualRates already, which scale its dual steps once");
    }
    optimizer.cmp().constraints().forEach(DualRates::isServed);
    DualMeter meter = new DualMeter(optimizer);
    DualRates rates = new DualRates(optimizer, meter);
    optimizer.beforePrimalStep(gradients -> meter.beforePrimalStep());
    optimizer.beforeDualStep(rates);
    return rates;
  }

  /** The gains hold for steps that follow the gradient alone. */
  private static void requirePlain(Optimizer dual) {
    for (Object group : (List<?>) OptimizerState.of(dual, true).get("param_groups")) {
      for (String option : List.of("momentum", "weight_decay")) {
        if (((Map<?, ?>) group).get(option) instanceof Number value && value.doubleValue() != 0) {
          throw new IllegalArgumentException(
              "a dual optimizer is "
                  + dual.getClass().getSimpleName()
                  + " with "
                  + option
                  + " "
                  + value
                  + ", with which the steps that DualRates measures for may diverge; leave it 0, or"
                  + " give DualRates.controller(problem.dualParameters())");
        }
      }
    }
  }

  /** The dual optimizer that makes the steps above. */
  public static NuPI controller(TensorVector dualParameters) {
    return new NuPI(dualParameters, new NuPIOptions(1).kp(2).ki(1.0 / HORIZON));
  }

  /** The multipliers at which constraints pull as hard as the loss, by name, an element a row. */
  public Map<String, double[]> units() {
    return numbers(DualScales::units);
  }

  /** How far one primal step can move each constraint, by name, an element a row. */
  public Map<String, double[]> reaches() {
    return numbers(DualScales::reaches);
  }

  private Map<String, double[]> numbers(Function<DualScales, double[]> which) {
    Map<String, double[]> numbers = new LinkedHashMap<>();
    meter.scales().forEach((name, its) -> numbers.put(name, which.apply(its)));
    return numbers;
  }

  /**
   * Whether a constraint has a multiplier; throws if it is one of which nothing can be measured.
   */
  static boolean isServed(Constraint constraint) {
    if (constraint.multiplier().isEmpty()) {
      return false;
    }
    if (!(constraint.multiplier().get() instanceof ExplicitMultiplier)) {
      throw new IllegalArgumentException(
          "constraint '"
              + constraint.name().orElse("?")
              + "': a module computes its multiplier, for whose parameters DualRates has no unit;"
              + " give it a DenseMultiplier or an IndexedMultiplier, or choose a dual rate");
    }
    if (constraint.formulation() instanceof PenaltyBarrier) {
      throw new IllegalArgumentException(
          "constraint '"
              + constraint.name().orElse("?")
              + "': the multipliers of PenaltyBarrier change by factors of themselves, for which"
              + " DualRates has no unit; choose a dual rate, or another formulation");
    }
    return true;
  }

  @Override
  public void evaluated(CMPState state) {
    meter.evaluated(state);
  }

  @Override
  public void beforeStep(Gradients gradients) {
    if (loaded) {
      optimizer.dualOptimizers().forEach(DualRates::requirePlain);
      loaded = false;
    }
    meter.take(gradients.state());
    double most = meter.mostTimes();
    Set<Long> scaled = new HashSet<>();
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      gradients
          .state()
          .observedConstraints()
          .forEach(
              (constraint, observed) -> {
                if (observed.contributesToDualUpdate() && isServed(constraint)) {
                  scale(constraint, most, scaled);
                }
              });
    }
  }

  private void scale(Constraint constraint, double most, Set<Long> scaled) {
    Tensor weight = ((ExplicitMultiplier) constraint.multiplier().orElseThrow()).weight();
    Tensor gradient = weight.grad();
    if (!gradient.defined()) {
      return;
    }
    String name = constraint.name().orElseThrow();
    if (!scaled.add(Tensors.identity(weight))) {
      throw new IllegalArgumentException(
          "constraint '"
              + name
              + "' shares its multiplier with another one, for which DualRates has two units; give"
              + " each its own");
    }
    Tensor values = gradient.is_sparse() ? gradient._values() : gradient;
    DualScales its = meter.scales().get(name);
    if (its == null) {
      if (waited.merge(name, 1, Integer::sum) > PATIENCE) {
        throw new IllegalArgumentException(
            "constraint '"
                + name
                + "' had no gradient beside the loss's in "
                + PATIENCE
                + " steps, so that DualRates cannot measure its unit: let the state that moves its"
                + " multiplier have a loss and a differentiable violation, or choose a dual rate");
      }
      values.zero_();
      return;
    }
    if (!its.knowsAll() && waited.merge(name, 1, Integer::sum) == PATIENCE + 1) {
      Log.LOGGER.warn(
          "constraint '{}': DualRates found no gradient of its violation, or of one element, at the"
              + " primal optimizers' variables in {} steps; its multiplier waits for one",
          name,
          PATIENCE);
    }
    times(values, its.perReach(HORIZON));
    values.clamp_(new ScalarOptional(new Scalar(-1.0)), new ScalarOptional(new Scalar(1.0)));
    times(values, its.perPull(most));
  }

  private static void times(Tensor values, double[] factors) {
    if (factors.length == 1) {
      values.mul_(new Scalar(factors[0]));
    } else {
      values.mul_(
          Tensor.create(factors, factors.length)
              .to(values.device(), values.scalar_type())
              .reshape(values.shape()));
    }
  }

  /**
   * Means, counts, and the variables where a step of theirs is still to be measured; copies.
   *
   * @throws IllegalStateException if another thread uses the optimizer
   */
  @Override
  public Map<String, Object> stateDict() {
    return optimizer.owned(meter::stateDict);
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if another thread uses the optimizer
   */
  @Override
  public void loadStateDict(Map<String, ?> state) {
    optimizer.owned(
        () -> {
          meter.loadStateDict(state);
          waited.clear();
          loaded = true;
          return null;
        });
  }
}
