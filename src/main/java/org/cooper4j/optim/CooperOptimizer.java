package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.LagrangianStore;
import org.cooper4j.checkpoint.OptimizerState;
import org.cooper4j.data.Batch;
import org.cooper4j.internal.Optimizers;
import org.cooper4j.internal.RollScope;
import org.cooper4j.internal.ScopeEnd;
import org.cooper4j.optim.torch.ExtragradientOptimizer;

/**
 * Drives LibTorch optimizers through a problem. Mirrors {@code cooper.optim.CooperOptimizer}.
 *
 * <p>An optimizer belongs to one thread at a time: it may wander between rolls, but what another
 * thread asks of it during one is refused with IllegalStateException. {@link #close()} ends it, as
 * does the end of the PointerScope it was made in, if any; LibTorch's optimizers stay their
 * owner's.
 *
 * @param <B> what the problem's evaluation needs
 */
public abstract class CooperOptimizer<B> implements AutoCloseable {
  private final ConstrainedMinimizationProblem<B> cmp;
  private final List<Optimizer> primalOptimizers;
  private final List<Optimizer> dualOptimizers;
  private final Tensor dualVariable;
  private final Optimizers optimizers;
  private Wiring wiring;
  private long parameters;
  private final AtomicReference<Thread> user = new AtomicReference<>();
  private final Hooks primalHooks = new Hooks("primal");
  private final Hooks dualHooks = new Hooks("dual");
  private List<? extends B> microBatches;
  private Replicas.Replica replica = Replicas.ALONE;
  private boolean distributed;
  private Evaluation evaluation;
  private RollScope lastRoll;
  private boolean primalGradientsSeen;
  private boolean usersTurn; // in a roll, while computeCMPState or a hook runs
  private boolean closed;

  CooperOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends Optimizer> primalOptimizers,
      List<? extends Optimizer> dualOptimizers) {
    this(cmp, primalOptimizers, dualOptimizers, null);
  }

  /**
   * With a variable that dual optimizers move in the place of all multipliers, which follow it;
   * null without one.
   */
  CooperOptimizer(
      ConstrainedMinimizationProblem<B> cmp,
      List<? extends Optimizer> primalOptimizers,
      List<? extends Optimizer> dualOptimizers,
      Tensor dualVariable) {
    this.cmp = Objects.requireNonNull(cmp, "cmp");
    this.dualVariable = dualVariable;
    this.primalOptimizers = copy("primal optimizer", primalOptimizers);
    this.dualOptimizers = copy("dual optimizer", dualOptimizers);
    if (primalOptimizers.isEmpty()) {
      throw new IllegalArgumentException("no primal optimizer was given; give at least one");
    }
    if (!extrapolates()) {
      Stream.concat(this.primalOptimizers.stream(), this.dualOptimizers.stream())
          .filter(ExtragradientOptimizer.class::isInstance)
          .findFirst()
          .ifPresent(
              optimizer -> {
                throw new IllegalArgumentException(
                    optimizer.getClass().getSimpleName()
                        + " makes two half steps a roll; give it to an"
                        + " ExtrapolationConstrainedOptimizer or"
                        + " PastExtrapolationConstrainedOptimizer");
              });
    }
    wiring = new Wiring(cmp, this.primalOptimizers, this.dualOptimizers, dualVariable);
    optimizers = new Optimizers(this.primalOptimizers, this.dualOptimizers);
    parameters = optimizers.parameters();
    ScopeEnd.onClose(this::end);
  }

  private static List<Optimizer> copy(String side, List<? extends Optimizer> optimizers) {
    Objects.requireNonNull(optimizers, side + "s");
    for (int i = 0; i < optimizers.size(); i++) {
      if (optimizers.get(i) == null) {
        throw new IllegalArgumentException(side + " " + i + " is null; give a LibTorch optimizer");
      }
    }
    return List.copyOf(optimizers);
  }

  /** Whether rolls call {@link ExtragradientOptimizer#extrapolation()}. */
  boolean extrapolates() {
    return false;
  }

  public final ConstrainedMinimizationProblem<B> cmp() {
    return cmp;
  }

  public final List<Optimizer> primalOptimizers() {
    return primalOptimizers;
  }

  /** The dual optimizers; none for unconstrained problems. */
  public final List<Optimizer> dualOptimizers() {
    return dualOptimizers;
  }

  /**
   * Evaluates the problem and updates its variables. The temporaries that the problem makes are
   * released by the next roll, or right away if the evaluation throws; no scope is needed around
   * it.
   *
   * <p>A roll that throws has moved no variable, unless the optimizer's own description says which
   * half it may have done. What LibTorch's optimizers remember of gradients, such as momenta, may
   * have seen that roll.
   *
   * @param batch what {@code computeCMPState} is given
   * @throws IllegalArgumentException naming the constraint that does not fit; a {@link
   *     NotFiniteException} if loss, violation or multiplier is NaN or infinite
   * @throws IllegalStateException if the optimizer is rolling already, in this thread or another,
   *     or was closed; if the evaluation gave null or used what had been released
   */
  public final RollOut roll(B batch) {
    return roll(batch, batch);
  }

  /** Rolls a problem whose evaluation needs nothing. */
  public final RollOut roll() {
    return roll(null);
  }

  /**
   * One roll over a batch that is too large to be evaluated at once, given in parts: gradients,
   * steps and the RollOut are those of the whole. It takes the memory of one part, and two
   * evaluations of each for every point that this optimizer evaluates: the weights of formulations
   * such as the augmented Lagrangian need the violations of the whole before the first part can be
   * differentiated.
   *
   * <p>Loss and violations of the whole are the means of the parts' ones, weighted with {@link
   * CMPState#samples(long)}, else with the size of a {@link Batch}, else equally. Rows of
   * constraints with features (indexed ones) are joined, duplicates included. With that the roll
   * equals one over the whole batch, up to rounding, in every formulation, if
   *
   * <ul>
   *   <li>loss and violations without features are means over samples, or do not depend on the
   *       batch, as a norm of weights. A ratio of means, a maximum or a variance over the batch is
   *       none: its mean over parts is another function.
   *   <li>violations with features are of a sample each; of a row that is itself a mean over the
   *       batch, every part counts as an observation.
   *   <li>no layer mixes samples: batch normalisation normalises by the part (and sees every part
   *       twice in its running statistics).
   *   <li>an evaluation gives the same again when LibTorch's random number generators are where
   *       they were, as dropout does: they are put back before the second one. Dropout draws other
   *       masks than for the whole batch.
   * </ul>
   *
   * <p>Of {@code misc}, numbers and scalar tensors are averaged likewise; of anything else the last
   * part's stays.
   *
   * @param microBatches the parts, at least one, each what {@code computeCMPState} is given
   * @throws IllegalArgumentException as {@link #roll}, and if the parts' states do not fit together
   */
  public final RollOut rollAccumulated(List<? extends B> microBatches) {
    if (microBatches.isEmpty()) {
      throw new IllegalArgumentException("no micro-batch was given; give at least one");
    }
    return roll(null, null, microBatches);
  }

  RollOut roll(B batch, B violationsBatch) {
    return roll(batch, violationsBatch, null);
  }

  private RollOut roll(B batch, B violationsBatch, List<? extends B> parts) {
    enter();
    try {
      microBatches = parts;
      wiring.requireOpen();
      releaseLastRoll();
      begin();
      RollScope scope = new RollScope();
      try {
        RollOut rollOut = update(batch, violationsBatch);
        scope.extend();
        lastRoll = scope;
        return rollOut;
      } catch (RuntimeException e) {
        RuntimeException explained = explained(e);
        // What came of the values of all copies each of them throws, and a listener may take.
        if (!(explained instanceof NotFiniteException) || evaluation == null) {
          replica.fail(explained);
        }
        throw explained;
      } catch (Error e) {
        replica.fail(e);
        throw e;
      } finally {
        Optimizers.end();
        if (lastRoll != scope) {
          scope.release();
        } else {
          scope.close();
        }
      }
    } finally {
      microBatches = null;
      evaluation = null;
      user.set(null);
    }
  }

  /** Looks at the wiring again if somebody gave an optimizer other parameters. */
  private void begin() {
    long now = optimizers.begin();
    if (now != parameters) {
      wiring = new Wiring(cmp, primalOptimizers, dualOptimizers, dualVariable);
      primalGradientsSeen = false;
      parameters = now;
    }
  }

  /** What the native layer cannot know about its refusal. */
  private RuntimeException explained(RuntimeException e) {
    String text = String.valueOf(e.getMessage());
    if (e instanceof IllegalArgumentException && text.endsWith("is NaN or infinite")) {
      String whose = evaluation == null ? "" : evaluation.notFinite();
      return new NotFiniteException(
          text + (whose.isEmpty() ? "" : ": " + whose) + "; " + wiring.whichIsNotFinite(), e);
    }
    if (text.startsWith("Trying to backward through the graph a second time")) {
      return new IllegalStateException(
          "computeCMPState must build its graph anew in every roll, and not call backward(): "
              + text,
          e);
    }
    return e;
  }

  abstract RollOut update(B batch, B violationsBatch);

  /** Evaluates the problem where it is. */
  final CMPState evaluate(B batch) {
    return evaluate(batch, "computeCMPState", cmp::computeCMPState);
  }

  /** Where rolls get their states: what these are made of, {@link #evaluation} knows. */
  final CMPState evaluate(B batch, String method, Function<B, CMPState> function) {
    Function<B, Evaluation> part = b -> replica.part(() -> evaluateOne(b, method, function));
    evaluation = null; // of this roll's point before
    evaluation =
        replica.whole(
            microBatches == null ? part.apply(batch) : new Accumulation<>(microBatches, part));
    return evaluation.state();
  }

  private CMPState evaluateOne(B batch, String method, Function<B, CMPState> function) {
    CMPState state = usersTurn(() -> RollScope.call(method, () -> function.apply(batch)));
    boolean counts = microBatches != null || replica != Replicas.ALONE;
    if (counts && state.samples().isEmpty() && batch instanceof Batch rows) {
      state.samples(rows.size());
    }
    wiring.requireOpen();
    wiring.check(state);
    usersTurn(
        () -> {
          primalHooks.evaluated(state);
          dualHooks.evaluated(state);
          return null;
        });
    wiring.requireOpen();
    return state;
  }

  /** Calls what the user wrote, which may neither step nor clear gradients. */
  private <T> T usersTurn(Supplier<T> theirs) {
    usersTurn = true;
    try {
      return theirs.get();
    } finally {
      usersTurn = false;
    }
  }

  /** Clears all gradients, computes those of both Lagrangians, and lets hooks see them. */
  final CMPState.Lagrangians differentiate(CMPState state) {
    zeroGrad();
    CMPState.Lagrangians lagrangians = state.backward();
    finishPrimalGradients(state);
    gradientsComputed();
    optimizers.checkStep(false);
    runPrimalHooks(state);
    runDualHooks(state);
    return lagrangians;
  }

  /** The primal half: as {@link #differentiate}; backward is the pass over the Lagrangian. */
  final LagrangianStore differentiatePrimal(CMPState state, Consumer<LagrangianStore> backward) {
    LagrangianStore primal = state.computePrimalLagrangian();
    backward.accept(primal);
    finishPrimalGradients(state);
    runPrimalHooks(state);
    return primal;
  }

  /** Called by {@link #differentiate} once all gradients are there, before hooks see them. */
  void gradientsComputed() {}

  final void scalePrimalGradients(double factor) {
    optimizers.scaleGrad(true, factor);
  }

  /**
   * After the primal backward pass: lets it reach the variables, and throws what the primal steps
   * would, and if none of them has anything to do.
   */
  final void finishPrimalGradients(CMPState state) {
    evaluation.backward(List.of(), List.of());
    if (!primalGradientsSeen) {
      primalGradientsSeen = wiring.requirePrimalGradients(state);
    }
    wiring.requireOpen();
    optimizers.checkStep(true);
  }

  final void runPrimalHooks(CMPState state) {
    run(primalHooks, state, true);
  }

  final void runDualHooks(CMPState state) {
    run(dualHooks, state, false);
  }

  private void run(Hooks hooks, CMPState state, boolean primal) {
    if (hooks.isEmpty()) {
      return;
    }
    List<Optimizer> side = primal ? primalOptimizers : dualOptimizers;
    Gradients gradients = new Gradients(state, side, optimizers, primal);
    usersTurn(
        () -> {
          hooks.beforeStep(gradients, wiring::requireOpen);
          return null;
        });
    optimizers.checkStep(primal);
  }

  /**
   * From now on every roll is over the samples of several copies of this program, and moves the
   * variables of all of them alike: call it in each, before the first roll. The copies get the
   * first one's variables, multipliers, penalty coefficients and optimizers' states.
   *
   * @return this
   * @throws IllegalArgumentException as {@link Replicas#join}
   * @throws IllegalStateException if it was called before
   */
  public final CooperOptimizer<B> distribute(Replicas replicas) {
    Objects.requireNonNull(replicas, "replicas");
    return owned(
        () -> {
          if (distributed) {
            throw new IllegalStateException(
                "this optimizer is distributed already; call distribute once");
          }
          replica = replicas.join(this);
          distributed = true;
          return this;
        });
  }

  /** This program's copy of those that the optimizer is distributed over; else the only one. */
  public final Replicas.Replica replica() {
    return replica;
  }

  /**
   * From now on calls a hook in every roll, after all gradients of its evaluation were computed and
   * checked, before the step that uses those of the primal variables: in extrapolating optimizers
   * once for every point that they differentiate, so that {@link ExtrapolationConstrainedOptimizer}
   * calls it twice a roll. Hooks run in the order in which they were added. One that throws fails
   * the roll, as an evaluation does: no variable has moved.
   */
  public final void beforePrimalStep(GradientHook hook) {
    requireOwn();
    primalHooks.add(hook);
  }

  /** Those before the dual step. */
  final Hooks dualHooks() {
    requireOwn();
    return dualHooks;
  }

  /** Clears the gradients of primal and dual variables. */
  public final void zeroGrad() {
    require();
    optimizers.zeroGrad();
  }

  /** Steps the primal optimizers. */
  public final void primalStep() {
    require();
    optimizers.step(true);
  }

  /** Steps the dual optimizers; whether sparse gradients' rows are all that moved. */
  final boolean stepDualOptimizers() {
    require();
    return optimizers.step(false);
  }

  /**
   * The optimizers' states in Python's layout: {@code {"primal_optimizer_states": […],
   * "dual_optimizer_states": […] or null}}, and, of hooks that remember something, {@code
   * "primal_hook_states"} or {@code "dual_hook_states"}, which Python passes over.
   */
  public final Map<String, Object> stateDict() {
    return owned(
        () -> {
          Map<String, Object> state = new LinkedHashMap<>();
          state.put("primal_optimizer_states", states(primalOptimizers, false));
          state.put(
              "dual_optimizer_states",
              dualOptimizers.isEmpty() ? null : states(dualOptimizers, true));
          state.putAll(ownState());
          primalHooks.putStates(state);
          dualHooks.putStates(state);
          return state;
        });
  }

  /** What an optimizer remembers besides. */
  Map<String, Object> ownState() {
    return Map.of();
  }

  /** Loads {@link #ownState}; a dry run only throws what would be thrown. */
  void loadOwnState(Map<String, ?> state, boolean dry) {}

  private static List<Object> states(List<Optimizer> optimizers, boolean dual) {
    List<Object> states = new ArrayList<>();
    optimizers.forEach(optimizer -> states.add(OptimizerState.of(optimizer, dual)));
    return states;
  }

  /**
   * Loads what {@link #stateDict()} gave, here or in Python; all of it or nothing. Gradients of
   * before are cleared; hooks of which the state has nothing start anew.
   *
   * @throws IllegalArgumentException naming the key that does not fit
   */
  public final void loadStateDict(Map<String, ?> state) {
    owned(
        () -> {
          for (boolean dry : new boolean[] {true, false}) {
            load(state, "primal_optimizer_states", primalOptimizers, false, dry);
            load(state, "dual_optimizer_states", dualOptimizers, true, dry);
            loadOwnState(state, dry);
            if (dry) {
              Hooks.load(state, List.of(primalHooks, dualHooks));
            }
          }
          wiring.requireOpen();
          optimizers.zeroGrad();
          return null;
        });
  }

  private static void load(
      Map<String, ?> state, String key, List<Optimizer> optimizers, boolean dual, boolean dry) {
    List<?> states = state.get(key) instanceof List<?> list ? list : List.of();
    if (states.size() != optimizers.size()) {
      throw new IllegalArgumentException(
          key
              + ": expected "
              + optimizers.size()
              + " states, found "
              + states.size()
              + "; the state is of another kind of optimizer, or of one with other optimizers"
              + " inside");
    }
    for (int i = 0; i < optimizers.size(); i++) {
      try {
        OptimizerState.load(optimizers.get(i), states.get(i), dual, dry);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(key + "[" + i + "]." + e.getMessage(), e);
      }
    }
  }

  /**
   * Releases what the last roll made; every method that uses the optimizers then throws
   * IllegalStateException. Closing again does nothing.
   *
   * @throws IllegalStateException during a roll
   */
  @Override
  public final void close() {
    if (!closed) {
      enter();
      end();
      user.set(null);
    }
  }

  private void end() {
    closed = true;
    releaseLastRoll();
    optimizers.close();
  }

  private void enter() {
    if (!user.compareAndSet(null, Thread.currentThread())) {
      requireOwn();
      throw new IllegalStateException(
          "this optimizer is rolling; neither computeCMPState nor a hook may roll or close it");
    }
    if (closed) {
      user.set(null);
      requireOwn();
    }
  }

  /** Does something that no other thread's roll may overlap; a roll of this thread may. */
  final <T> T owned(Supplier<T> action) {
    if (user.get() == Thread.currentThread()) {
      return action.get();
    }
    enter();
    try {
      wiring.requireOpen();
      return action.get();
    } finally {
      user.set(null);
    }
  }

  /** Throws unless this thread may use the optimizers. */
  final void require() {
    requireOwn();
    if (usersTurn) {
      throw new IllegalStateException(
          "this optimizer is rolling, and clears gradients and steps by itself; neither"
              + " computeCMPState nor a hook may do it");
    }
    wiring.requireOpen();
  }

  private void requireOwn() {
    Thread rolling = user.get();
    if (rolling != null && rolling != Thread.currentThread()) {
      throw new IllegalStateException(
          "thread '"
              + rolling.getName()
              + "' is rolling this optimizer; an optimizer belongs to one thread at a time; see"
              + " docs/troubleshooting.md#threads");
    }
    if (closed) {
      throw new IllegalStateException(
          "this optimizer was closed, or the PointerScope that it was made in has ended; make"
              + " another one");
    }
  }

  private void releaseLastRoll() {
    if (lastRoll != null) {
      lastRoll.release();
      lastRoll = null;
    }
  }

  @Override
  public final String toString() {
    return getClass().getSimpleName()
        + "("
        + cmp
        + ", primalOptimizers="
        + names(primalOptimizers)
        + ", dualOptimizers="
        + names(dualOptimizers)
        + (closed ? ", closed)" : ")");
  }

  private static List<String> names(List<Optimizer> optimizers) {
    return optimizers.stream().map(optimizer -> optimizer.getClass().getSimpleName()).toList();
  }
}
