package org.cooper4j;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.internal.Native;
import org.cooper4j.internal.Readout;
import org.cooper4j.internal.RollScope;
import org.cooper4j.multipliers.Multiplier;
import org.cooper4j.penalties.PenaltyCoefficient;

/**
 * min f(x) subject to g(x) ≤ 0 and h(x) = 0. Extend it, {@link #register} the constraints, and say
 * in {@link #computeCMPState} what loss and violations are. Mirrors {@code
 * cooper.ConstrainedMinimizationProblem}.
 *
 * @param <B> what one evaluation needs, such as a batch of data; {@code Void} for nothing
 */
public abstract class ConstrainedMinimizationProblem<B> {
  static {
    Native.load();
  }

  private final Map<String, Constraint> constraints = new LinkedHashMap<>();
  private final Set<Multiplier> multipliers = new LinkedHashSet<>();

  /** A problem without constraints yet; a subclass registers them. */
  protected ConstrainedMinimizationProblem() {}

  /**
   * A problem without a class of its own:
   *
   * <pre>{@code
   * ConstrainedMinimizationProblem.of(
   *     batch -> CMPState.of(loss(batch)).lessOrEqual(norm, norm(), 1).equal(mean, mean(batch), 0),
   *     entry("norm", norm), entry("mean", mean)) // Map.entry
   * }</pre>
   *
   * <p>The order of constraints is the order of {@link #dualParameters()}, by which a dual
   * optimizer's state is saved. In Python give the problem's attributes the same order.
   *
   * @throws IllegalArgumentException as {@link #register}; then none is registered
   */
  @SafeVarargs
  public static <B> ConstrainedMinimizationProblem<B> of(
      Function<? super B, CMPState> computeCMPState, Map.Entry<String, Constraint>... constraints) {
    return of(computeCMPState, List.of(constraints));
  }

  /**
   * A problem whose constraints a program has by name. A {@link LinkedHashMap} and a sorted map
   * keep their order; any other map, such as {@code Map.of}, has a new one in every JVM and is
   * taken in the order of names.
   *
   * @throws IllegalArgumentException as {@link #register}; then none is registered
   */
  public static <B> ConstrainedMinimizationProblem<B> of(
      Map<String, Constraint> constraints, Function<? super B, CMPState> computeCMPState) {
    boolean ordered = constraints instanceof LinkedHashMap || constraints instanceof SortedMap;
    return of(computeCMPState, (ordered ? constraints : new TreeMap<>(constraints)).entrySet());
  }

  private static <B> ConstrainedMinimizationProblem<B> of(
      Function<? super B, CMPState> computeCMPState,
      Collection<Map.Entry<String, Constraint>> constraints) {
    Objects.requireNonNull(computeCMPState, "computeCMPState");
    ConstrainedMinimizationProblem<B> problem =
        new ConstrainedMinimizationProblem<>() {
          @Override
          public CMPState computeCMPState(B batch) {
            return computeCMPState.apply(batch);
          }
        };
    try {
      constraints.forEach(named -> problem.register(named.getKey(), named.getValue()));
    } catch (RuntimeException e) {
      problem.constraints().forEach(Constraint::forgetName);
      throw e;
    }
    return problem;
  }

  /**
   * Evaluates loss and constraints at the current primal variables.
   *
   * <p>Inside a {@code roll} the temporaries made here are released by the next roll; a tensor that
   * is to live longer needs {@code tensor.retainReference()}.
   *
   * @param batch what was given to {@code roll}
   */
  public abstract CMPState computeCMPState(B batch);

  /**
   * Evaluates the constraints alone, for optimizers that need them twice a step; override it where
   * that is cheaper. The state must have no loss ({@link CMPState#ofViolations()}).
   *
   * @throws UnsupportedOperationException unless overridden
   */
  public CMPState computeViolations(B batch) {
    throw new ViolationsNotImplementedException();
  }

  /** Says that {@link #computeViolations} was not overridden. */
  public static final class ViolationsNotImplementedException
      extends UnsupportedOperationException {
    ViolationsNotImplementedException() {
      super("computeViolations is not overridden; computeCMPState stands in");
    }
  }

  /**
   * Registers a constraint under a name, as {@code self.name = constraint} does in Cooper.
   *
   * @return the constraint
   * @throws IllegalArgumentException if the name is taken, or the constraint has one already
   * @throws IllegalStateException inside of a roll
   */
  public final Constraint register(String name, Constraint constraint) {
    Objects.requireNonNull(name, "name");
    if (RollScope.current() != null) {
      throw new IllegalStateException(
          "constraint '"
              + name
              + "' is registered inside of a roll, where no optimizer knows its multiplier, and the"
              + " next roll releases what was made; register it before the optimizers are made");
    }
    if (constraints.containsKey(name)) {
      throw new IllegalArgumentException(
          "a constraint named '" + name + "' is registered already; choose another name");
    }
    constraint.setName(name);
    constraints.put(name, constraint);
    constraint.multiplier().ifPresent(multipliers::add);
    return constraint;
  }

  /** The registered constraints, in the order of registration. */
  public final Collection<Constraint> constraints() {
    return Collections.unmodifiableCollection(constraints.values());
  }

  /** The registered constraints by name. */
  public final Map<String, Constraint> namedConstraints() {
    return Collections.unmodifiableMap(constraints);
  }

  /** The multipliers, each once even if constraints share it. */
  public final Collection<Multiplier> multipliers() {
    return Collections.unmodifiableCollection(multipliers);
  }

  /** The multipliers by their constraints' names. */
  public final Map<String, Multiplier> namedMultipliers() {
    Map<String, Multiplier> named = new LinkedHashMap<>();
    constraints.forEach((name, c) -> c.multiplier().ifPresent(m -> named.put(name, m)));
    return named;
  }

  /**
   * The multipliers' present values by their constraints' names, as numbers, read at once; without
   * those that depend on features, whose values {@link RollValues} has.
   */
  public final Map<String, double[]> multiplierValues() {
    try (PointerScope temporaries = new PointerScope()) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      constraints.forEach(
          (name, c) -> c.presentMultiplier().ifPresent(value -> tensors.put(name, value)));
      Readout readout = Readout.of(List.copyOf(tensors.values()));
      Map<String, double[]> values = new LinkedHashMap<>();
      tensors.keySet().forEach(name -> values.put(name, readout.next()));
      return values;
    }
  }

  /** The penalty coefficients, each once. */
  public final Collection<PenaltyCoefficient> penaltyCoefficients() {
    return Collections.unmodifiableCollection(
        new LinkedHashSet<>(namedPenaltyCoefficients().values()));
  }

  /** The penalty coefficients by their constraints' names. */
  public final Map<String, PenaltyCoefficient> namedPenaltyCoefficients() {
    Map<String, PenaltyCoefficient> named = new LinkedHashMap<>();
    constraints.forEach((name, c) -> c.penaltyCoefficient().ifPresent(p -> named.put(name, p)));
    return named;
  }

  /** The multipliers' parameters, each once, for a dual optimizer. */
  public final TensorVector dualParameters() {
    List<Tensor> parameters = new ArrayList<>();
    multipliers().forEach(multiplier -> parameters.addAll(multiplier.parameters()));
    return new TensorVector(parameters.toArray(new Tensor[0])) {
      /** LibTorch's would point into the vector, and dangle once that is collected. */
      @Override
      public Tensor get(long i) {
        return parameters.get(Math.toIntExact(i));
      }
    };
  }

  /**
   * Moves multipliers and penalty coefficients in place, so that optimizers made before go on with
   * them; but move before the first step, since what an optimizer remembers of its steps stays.
   *
   * @throws IllegalArgumentException if it is a CUDA device that is not there
   */
  public final void to(Device device) {
    Cuda.check(Objects.requireNonNull(device, "device"));
    move(device, null);
  }

  /** Converts multipliers and penalty coefficients in place. */
  public final void to(ScalarType dtype) {
    move(null, Objects.requireNonNull(dtype, "dtype"));
  }

  private void move(Device device, ScalarType dtype) {
    multipliers().forEach(multiplier -> multiplier.to(device, dtype));
    penaltyCoefficients().forEach(penalty -> penalty.to(device, dtype));
  }

  /** {@code {"multipliers": {name: state}, "penalty_coefficients": {name: state}}}. */
  public final Map<String, Object> stateDict() {
    Map<String, Object> multipliers = new LinkedHashMap<>();
    namedMultipliers().forEach((name, m) -> multipliers.put(name, m.stateDict()));
    Map<String, Object> penalties = new LinkedHashMap<>();
    namedPenaltyCoefficients().forEach((name, p) -> penalties.put(name, p.stateDict()));
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("multipliers", multipliers);
    state.put("penalty_coefficients", penalties);
    return state;
  }

  /**
   * Loads what {@link #stateDict()} gave, here or in Python; all of it or nothing.
   *
   * @throws IllegalArgumentException naming the key that is missing, unknown or does not fit
   */
  public final void loadStateDict(Map<String, ?> stateDict) {
    List<Runnable> loads = new ArrayList<>();
    visit(
        "multipliers",
        stateDict,
        namedMultipliers(),
        (multiplier, state) -> {
          multiplier.checkStateDict(state);
          loads.add(() -> multiplier.loadStateDict(state));
        });
    visit(
        "penalty_coefficients",
        stateDict,
        namedPenaltyCoefficients(),
        (penalty, state) -> {
          penalty.checkStateDict(state);
          loads.add(() -> penalty.loadStateDict(state));
        });
    loads.forEach(Runnable::run);
  }

  @SuppressWarnings("unchecked")
  private static <T> void visit(
      String section,
      Map<String, ?> stateDict,
      Map<String, T> targets,
      BiConsumer<T, Map<String, ?>> check) {
    if (!(stateDict.get(section) instanceof Map<?, ?> states)) {
      throw new IllegalArgumentException(section + ": missing from the problem's state dict");
    }
    for (Map.Entry<?, ?> entry : states.entrySet()) {
      String path = section + "." + entry.getKey();
      T target = targets.get(entry.getKey());
      if (target == null) {
        throw new IllegalArgumentException(
            path + ": the problem has no such constraint; it has " + targets.keySet());
      }
      try {
        check.accept(target, (Map<String, ?>) entry.getValue());
      } catch (IllegalArgumentException | ClassCastException e) {
        throw new IllegalArgumentException(path + "." + e.getMessage(), e);
      }
    }
  }

  /**
   * Checks that a state is well-formed: loss and violations that contribute to the primal update
   * are differentiable, strict violations are not, and only constraints with multipliers contribute
   * to the dual update. (Cooper's check looks at {@code grad}, which valid states do not have.)
   *
   * @throws IllegalArgumentException naming the constraint that is not
   */
  public static void sanityCheckCMPState(CMPState state) {
    Terms.requireOpen(state);
    if (state.loss().isPresent() && !state.loss().get().requires_grad()) {
      throw new IllegalArgumentException("the loss is not differentiable: it requires no grad");
    }
    state.observedConstraints().forEach(ConstrainedMinimizationProblem::sanityCheck);
  }

  private static void sanityCheck(Constraint constraint, ConstraintState state) {
    String name = "constraint '" + constraint.name().orElse("?") + "': ";
    if (state.contributesToPrimalUpdate() && !state.violation().requires_grad()) {
      throw new IllegalArgumentException(
          name + "its violation contributes to the primal update but requires no grad");
    }
    if (state.strictViolation().filter(Tensor::requires_grad).isPresent()) {
      throw new IllegalArgumentException(
          name + "its strict violation requires grad; detach() it, only multipliers see it");
    }
    if (state.contributesToDualUpdate() && !constraint.formulation().expectsMultiplier()) {
      throw new IllegalArgumentException(
          name
              + "it contributes to the dual update, but "
              + constraint.formulation()
              + " has no multiplier; set contributesToDualUpdate(false)");
    }
  }

  @Override
  public String toString() {
    String self = getClass().getSimpleName();
    StringBuilder text =
        new StringBuilder(self.isEmpty() ? "ConstrainedMinimizationProblem" : self).append('(');
    constraints.forEach(
        (name, constraint) -> text.append("\n  ").append(name).append(": ").append(constraint));
    return text.append(constraints.isEmpty() ? ")" : "\n)").toString();
  }
}
