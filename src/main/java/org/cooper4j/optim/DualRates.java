package org.cooper4j.optim;

import java.util.ArrayList;
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
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.internal.Optimizers;
import org.cooper4j.internal.Tensors;
import org.cooper4j.multipliers.ExplicitMultiplier;
import org.cooper4j.optim.torch.ExtraSGD;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIOptions;

/**
 * Dual steps that need no rate: in units that are measured in training.
 *
 * <pre>{@code
 * var optimizer = new SimultaneousOptimizer<>(
 *     problem, primal, DualRates.controller(problem.dualParameters()));
 * DualRates.of(optimizer);
 * }</pre>
 *
 * <p>Of every constraint, with sums over the variables x_i that the primal optimizers move,
 *
 * <pre>
 * unit  u = Σ |∂f/∂x_i| |∂g/∂x_i| / ‖∇g‖²     at which multiplier it pulls as hard as the loss
 * reach r = Σ |∂g/∂x_i| |Δx_i|                how far one primal step can move it
 * e = u clamp(g / (T r), −1, 1),  T = 50
 * </pre>
 *
 * <p>replace the violation in its multiplier's gradient, and {@link #controller} makes of that
 *
 * <pre>λ ← [λ + e_t / T + 2 (e_t − e_{t−1})]₊</pre>
 *
 * <p>For a primal SGD of rate α that is λ ← [λ + (g_t / T + 2 (g_t − g_{t−1})) / (T α ‖∇g‖²)]₊, the
 * proportional and the integral gain with which a violation is gone in about T steps without
 * swinging, whatever the curvature. Neither the scale of the loss nor that of a constraint matters,
 * nor the learning rate.
 *
 * <p>Running means of both are taken every 10th step, by backward passes of the loss and of one
 * constraint more: about a fifth of one for each step. Constraints of up to 16 elements have a unit
 * an element, others, and indexed ones, one of all, in the direction of their violation: their
 * elements are better of one scale. In the roll that measures, {@code values().misc()} has {@code
 * dual_unit/NAME} and {@code dual_reach/NAME}. It costs one copy of the variables in every 10th
 * roll. Where it was measured what each part does: {@code docs/algorithms.md}.
 */
public final class DualRates implements GradientHook {
  private static final int HORIZON = 50;
  private static final int EVERY = 10;
  private static final int MOST_ROWS = 16;
  private static final int PATIENCE = 3 * EVERY;
  private static final String UNIT = "dual_unit/";
  private static final String REACH = "dual_reach/";

  private final ConstrainedOptimizer<?> optimizer;
  private Map<String, DualScales> scales = new LinkedHashMap<>();
  private final Map<String, Integer> waited = new LinkedHashMap<>();
  private long steps;
  private long turn;
  private List<Tensor> before = List.of(); // the variables, from a step until it is measured

  private DualRates(ConstrainedOptimizer<?> optimizer) {
    this.optimizer = optimizer;
  }

  /**
   * Sets the dual steps of an optimizer from now on.
   *
   * @return the hook that does it, whose state is in the optimizer's state dict
   * @throws IllegalArgumentException if a dual optimizer scales its steps itself, as Adam does, or
   *     a module computes a multiplier
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
    }
    optimizer.cmp().constraints().forEach(DualRates::isServed);
    DualRates rates = new DualRates(optimizer);
    optimizer.beforePrimalStep(rates::remember);
    optimizer.beforeDualStep(rates);
    return rates;
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
    scales.forEach((name, its) -> numbers.put(name, which.apply(its)));
    return numbers;
  }

  private static boolean isServed(Constraint constraint) {
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
    return true;
  }

  /** Before a primal step, which may be one to measure. */
  private void remember(Gradients gradients) {
    if (steps++ % EVERY == 0) {
      replaceBefore(copies(variables()));
    }
  }

  private void replaceBefore(List<Tensor> others) {
    before.forEach(Tensor::close);
    before = others;
  }

  private List<Tensor> variables() {
    List<Tensor> variables = new ArrayList<>();
    Optimizers.forEachParameter(
        optimizer.primalOptimizers(),
        parameter -> {
          if (parameter.requires_grad()) {
            variables.add(new Tensor(parameter));
          }
        });
    return variables;
  }

  private static List<Tensor> copies(List<?> tensors) {
    try (PointerScope temporaries = new PointerScope()) {
      return tensors.stream()
          .map(tensor -> Tensors.keep(((Tensor) tensor).detach().clone()))
          .toList();
    }
  }

  /** Measures what the last primal step could do, if that was remembered. */
  @Override
  public void evaluated(CMPState state) {
    if (before.isEmpty() || state.loss().isEmpty()) {
      return;
    }
    try (PointerScope temporaries = new PointerScope()) {
      Slopes slopes = null;
      long rows = 0;
      for (var entry : state.observedConstraints().entrySet()) {
        ConstraintState observed = entry.getValue();
        if (!isServed(entry.getKey())
            || !observed.contributesToPrimalUpdate()
            || !observed.violation().requires_grad()) {
          continue;
        }
        DualScales its = scales(entry.getKey(), observed);
        for (int row = 0; row < its.rows(); row++, rows++) {
          if (!its.knows(row) || rows == turn) {
            if (slopes == null) {
              slopes = new Slopes(variables(), before, state.loss().get());
            }
            slopes.turnTo(observed.violation(), seed(entry.getKey(), observed, its.rows(), row));
            String name = name(entry.getKey().name().orElseThrow(), its.rows(), row);
            double unit = slopes.unit(its.knows(row) ? Double.NaN : slopes.inverse());
            state.misc(UNIT + name, unit).misc(REACH + name, slopes.reach());
          }
        }
      }
    }
  }

  private DualScales scales(Constraint constraint, ConstraintState observed) {
    long size = observed.violation().numel();
    boolean each =
        size <= MOST_ROWS && !constraint.multiplier().orElseThrow().expectsConstraintFeatures();
    return scales.computeIfAbsent(
        constraint.name().orElseThrow(), unused -> new DualScales(each ? (int) size : 1));
  }

  private static String name(String constraint, int rows, int row) {
    return constraint + (rows > 1 ? "[" + row + "]" : "");
  }

  /** Of a row for itself, or of all in the direction in which their multipliers are about to go. */
  private static Tensor seed(Constraint constraint, ConstraintState observed, int rows, int row) {
    Tensor violation = observed.violation().detach();
    Tensor ones = torch.ones_like(violation);
    if (rows > 1) {
      Tensor seed = torch.zeros_like(violation).flatten();
      seed.select(0, row).fill_(new Scalar(1.0));
      return seed.reshape(violation.shape());
    }
    Tensor direction =
        constraint.constraintType() == ConstraintType.INEQUALITY ? violation.relu() : violation;
    double length = direction.norm().item_double();
    return violation.numel() > 1 && length > 0
        ? direction.div(new Scalar(length))
        : ones.div(new Scalar(Math.sqrt(violation.numel())));
  }

  @Override
  public void beforeStep(Gradients gradients) {
    CMPState state = gradients.state();
    boolean measured = false;
    for (Map.Entry<String, DualScales> entry : scales.entrySet()) {
      int rows = entry.getValue().rows();
      for (int row = 0; row < rows; row++) {
        String name = name(entry.getKey(), rows, row);
        if (state.misc().get(UNIT + name) instanceof Number unit
            && state.misc().get(REACH + name) instanceof Number reach) {
          entry.getValue().add(row, unit.doubleValue(), reach.doubleValue());
          measured = true;
        }
      }
    }
    if (measured) {
      replaceBefore(List.of());
      turn = (turn + 1) % scales.values().stream().mapToInt(DualScales::rows).sum();
    }
    Set<Long> scaled = new HashSet<>();
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      state
          .observedConstraints()
          .forEach(
              (constraint, observed) -> {
                if (observed.contributesToDualUpdate() && isServed(constraint)) {
                  scale(constraint, scaled);
                }
              });
    }
  }

  private void scale(Constraint constraint, Set<Long> scaled) {
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
    DualScales its = scales.get(name);
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
    times(values, its.perReach(HORIZON));
    values.clamp_(new ScalarOptional(new Scalar(-1.0)), new ScalarOptional(new Scalar(1.0)));
    times(values, its.units());
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

  /** Means, counts, and the variables where a step of theirs is still to be measured; copies. */
  @Override
  public Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("steps", steps);
    state.put("turn", turn);
    state.put("before", copies(before));
    Map<String, Object> each = new LinkedHashMap<>();
    scales.forEach((name, its) -> each.put(name, its.stateDict()));
    state.put("scales", each);
    return state;
  }

  /** {@inheritDoc} */
  @Override
  public void loadStateDict(Map<String, ?> state) {
    long newSteps = 0;
    long newTurn = 0;
    List<?> newBefore = List.of();
    Map<String, DualScales> newScales = new LinkedHashMap<>();
    if (!state.isEmpty()) {
      newSteps = count(state, "steps");
      newTurn = count(state, "turn");
      newBefore = requireBefore(state.get("before"));
      if (!(state.get("scales") instanceof Map<?, ?> each)) {
        throw new IllegalArgumentException("scales: expected a dict, found " + state.get("scales"));
      }
      for (Map.Entry<?, ?> entry : each.entrySet()) {
        String name = String.valueOf(entry.getKey());
        if (!optimizer.cmp().namedConstraints().containsKey(name)) {
          throw new IllegalArgumentException(
              "scales."
                  + name
                  + ": no such constraint; there are "
                  + optimizer.cmp().namedConstraints().keySet());
        }
        try {
          newScales.put(name, DualScales.of(entry.getValue()));
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException("scales." + name + "." + e.getMessage(), e);
        }
      }
    }
    steps = newSteps;
    turn = newTurn;
    replaceBefore(copies(newBefore));
    scales = newScales;
    waited.clear();
  }

  private static long count(Map<String, ?> state, String key) {
    if (!(state.get(key) instanceof Number number) || number.longValue() < 0) {
      throw new IllegalArgumentException(
          key + ": expected a number of at least 0, found " + state.get(key));
    }
    return number.longValue();
  }

  private List<?> requireBefore(Object found) {
    if (!(found instanceof List<?> tensors)
        || !tensors.stream().allMatch(t -> t instanceof Tensor tensor && !tensor.isNull())) {
      throw new IllegalArgumentException("before: expected a list of tensors, found " + found);
    }
    try (PointerScope temporaries = new PointerScope()) {
      List<Tensor> variables = variables();
      if (!tensors.isEmpty() && tensors.size() != variables.size()) {
        throw new IllegalArgumentException(
            "before: expected " + variables.size() + " tensors, found " + tensors.size());
      }
      for (int i = 0; i < tensors.size(); i++) {
        Tensors.requireSameShape(variables.get(i), (Tensor) tensors.get(i), "before[" + i + "]");
      }
    }
    return tensors;
  }
}
