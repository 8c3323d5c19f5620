package org.cooper4j.solver;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.internal.Tensors;
import org.cooper4j.multipliers.Multiplier;

/**
 * Solves a deterministic problem to a tolerance, with nothing to tune:
 *
 * <pre>{@code
 * Solution solution = new Solver<>(problem, x).bounds(x, 0, 1).minimize();
 * }</pre>
 *
 * <p>It is the method of multipliers (Nocedal and Wright, Framework 17.3; Birgin and Martínez,
 * "Practical Augmented Lagrangian Methods", Algorithm 4.1): the augmented Lagrangian of objective
 * and constraints, scaled by their gradients at the start, is minimised by projected L-BFGS, ever
 * more exactly; after each time the multipliers are updated, and the penalty coefficient is raised
 * tenfold unless the violation fell to a tenth.
 *
 * <p>A problem is the same one that optimizers roll. The variables start where they are, and the
 * multipliers too, so that a solver goes on from a roll, or a roll from a solver, which leaves its
 * result in both. Constraints in any formulation are taken as what they are, g ≤ 0 or h = 0;
 * penalty coefficients are not used. What is not for a solver is refused at the start: constraints
 * with a strict violation or with features, indexed and implicit multipliers. Every evaluation has
 * to give the same values at the same point: put modules into {@code eval()}, and give one batch;
 * and to leave the variables where they are.
 *
 * <p>All variables have one dtype and device. float64 reaches tolerances of 1e-8 and less, float32
 * about 1e-4; where one is too tight, the solution says STALLED.
 *
 * <p>A solver belongs to one thread at a time.
 *
 * @param <B> what the problem's evaluation needs
 */
public final class Solver<B> {
  private final ConstrainedMinimizationProblem<B> problem;
  private final Variables variables;
  private final List<Predicate<Solution>> listeners = new ArrayList<>();
  private final AtomicReference<Thread> running = new AtomicReference<>();
  private double tolerance;
  private long maxEvaluations = 100_000;
  private int historySize = 10;
  private MethodState resumed;
  private Method<B> method;
  private volatile boolean telling;

  /**
   * A solver of a problem in these variables.
   *
   * @param variables float32 or float64 leaves that require grad, of one dtype and device
   * @throws IllegalArgumentException if they are anything else, or multipliers of the problem
   */
  public Solver(ConstrainedMinimizationProblem<B> problem, Tensor... variables) {
    this.problem = Objects.requireNonNull(problem, "problem");
    this.variables = new Variables(Arrays.asList(variables), problem);
    tolerance = this.variables.isFloat64() ? 1e-6 : 1e-4;
  }

  /** As the other one, for variables such as {@code module.parameters()}. */
  public Solver(ConstrainedMinimizationProblem<B> problem, TensorVector variables) {
    this(problem, tensors(variables));
  }

  private static Tensor[] tensors(TensorVector vector) {
    Tensor[] tensors = new Tensor[Math.toIntExact(vector.size())];
    for (int i = 0; i < tensors.length; i++) {
      // An element is a view that ends with its vector.
      tensors[i] = Tensors.keep(new Tensor(vector.get(i)));
    }
    return tensors;
  }

  /**
   * How exact a solution is: its infeasibility is at most that in the constraints' units, its
   * stationarity at most that times max |∇f| at the start (but 1 to 100 times), and its gap at most
   * a tenth of that times max(1, |f|). Without this call 1e-6, for float32 1e-4.
   *
   * @param tolerance above 0 and below 1
   * @throws IllegalStateException as of every setting, while the solver is running
   */
  public Solver<B> tolerance(double tolerance) {
    requireIdle();
    if (!(tolerance > 0 && tolerance < 1)) {
      throw new IllegalArgumentException(
          "the tolerance is " + tolerance + "; it must be > 0 and < 1");
    }
    this.tolerance = tolerance;
    return this;
  }

  /**
   * Ends a run after about so many evaluations; 100,000 without this call. A run that goes on from
   * {@link #loadStateDict} has that many of its own.
   *
   * @param maxEvaluations at least 1
   */
  public Solver<B> maxEvaluations(long maxEvaluations) {
    requireIdle();
    if (maxEvaluations < 1) {
      throw new IllegalArgumentException(
          "maxEvaluations is " + maxEvaluations + "; it must be at least 1");
    }
    this.maxEvaluations = maxEvaluations;
    return this;
  }

  /**
   * How many steps tell the curvature, as {@code history_size} of LibTorch's LBFGS; 10 without this
   * call. More take fewer evaluations on ill-conditioned problems, and 2 n numbers of memory each.
   *
   * @param historySize 1 to 1000
   */
  public Solver<B> historySize(int historySize) {
    requireIdle();
    if (historySize < 1 || historySize > 1000) {
      throw new IllegalArgumentException(
          "historySize is " + historySize + "; it must be 1 to 1000");
    }
    this.historySize = historySize;
    return this;
  }

  /**
   * Keeps a variable's elements between bounds at every evaluation, by projection.
   *
   * @param variable one of the solver's; it is moved into the bounds when a run begins
   * @param lower −∞ for none
   * @param upper infinity for none
   * @throws IllegalArgumentException if the variable is another, or no finite number is between the
   *     bounds
   */
  public Solver<B> bounds(Tensor variable, double lower, double upper) {
    try (PointerScope temporaries = new PointerScope()) {
      return bounds(variable, scalar(lower), scalar(upper));
    }
  }

  private static Tensor scalar(double value) {
    return Tensor.create(new double[] {value});
  }

  /**
   * Keeps a variable between bounds of its shape, or scalars.
   *
   * @throws IllegalArgumentException as {@link #bounds(Tensor, double, double)}, or of another
   *     shape
   */
  public Solver<B> bounds(Tensor variable, Tensor lower, Tensor upper) {
    requireIdle();
    variables.bound(variable, lower, upper);
    return this;
  }

  /**
   * Calls a listener, in the thread that solves, after every update of the multipliers but the one
   * that ends the run. Variables and multipliers are then where the solution given says, whose
   * status is RUNNING; where a listener moves them, the run goes on from where it was. All
   * listeners are called, in the order of these calls; if one says no, the run ends with the status
   * STOPPED, and what one throws ends {@link #minimize} as what the evaluation throws.
   *
   * @param listener whether to go on; it may save {@link #stateDict()}, but not set anything of
   *     this solver
   */
  public Solver<B> listen(Predicate<Solution> listener) {
    requireIdle();
    listeners.add(Objects.requireNonNull(listener, "listener"));
    return this;
  }

  /** Solves a problem whose evaluation needs nothing. */
  public Solution minimize() {
    return minimize(null);
  }

  /**
   * Solves the problem from where variables and multipliers are, or, after {@link #loadStateDict},
   * goes on with that run.
   *
   * @param batch what every {@code computeCMPState} is given
   * @return how it went; no failure to solve is an exception
   * @throws IllegalArgumentException if the start has no finite value and gradient, or the problem
   *     is not for a solver, or a multiplier is NaN or infinite; as whatever the evaluation throws,
   *     it leaves variables, multipliers and this solver as they were
   * @throws IllegalStateException if the solver is running already, or the evaluation moves a
   *     variable or changes its constraints
   */
  public Solution minimize(B batch) {
    if (!running.compareAndSet(null, Thread.currentThread())) {
      throw new IllegalStateException(
          "this solver is running: its evaluation or another thread must not start it again");
    }
    Method<B> before = method;
    try (PointerScope temporaries = new PointerScope()) {
      variables.requireUnchanged();
      variables.requireMovable();
      Tensor position = variables.position();
      List<Tensor> own = ownMultipliers();
      List<Tensor> values = own.stream().map(tensor -> tensor.detach().clone()).toList();
      try {
        method =
            new Method<>(
                variables,
                new Evaluator<>(problem, variables, batch),
                tolerance,
                maxEvaluations,
                historySize,
                resumed);
        Solution solution = method.run(this::tell);
        resumed = null;
        return solution;
      } catch (RuntimeException | Error e) {
        method = before;
        putBack(position, own, values, e);
        throw e;
      }
    } finally {
      running.set(null);
    }
  }

  /** What was closed meanwhile cannot be put back; why is told along with the failure. */
  private void putBack(Tensor position, List<Tensor> own, List<Tensor> values, Throwable failure) {
    for (int i = 0; i < own.size(); i++) {
      if (!own.get(i).isNull()) {
        Tensors.copyInto(own.get(i), values.get(i));
      }
    }
    try {
      variables.moveTo(position);
    } catch (IllegalArgumentException e) {
      failure.addSuppressed(e);
    }
  }

  private void requireIdle() {
    if (running.get() != null) {
      throw new IllegalStateException(
          "this solver is running; set it before minimize, or afterwards, not in a listener or"
              + " another thread");
    }
  }

  private void requireOwn() {
    Thread solving = running.get();
    if (solving != null && !(telling && solving == Thread.currentThread())) {
      throw new IllegalStateException(
          "this solver is running in the thread '"
              + solving.getName()
              + "'; call it in a listener, or afterwards");
    }
  }

  private boolean tell(Solution solution) {
    boolean goOn = true;
    telling = true;
    try {
      for (Predicate<Solution> listener : listeners) {
        goOn &= listener.test(solution);
      }
    } finally {
      telling = false;
    }
    return goOn;
  }

  private List<Tensor> ownMultipliers() {
    List<Tensor> own = new ArrayList<>();
    for (Multiplier multiplier : problem.multipliers()) {
      own.addAll(multiplier.parameters());
    }
    return own;
  }

  /**
   * Where the last run is: variables, multipliers, penalty, scales and curvature, in the variables'
   * precision. A run that a listener stopped goes on from it as if it had not been stopped; one
   * that a limit or an interrupt stopped, from the point that it had reached, which may be further
   * than the one it left in the variables.
   *
   * @throws IllegalStateException before the first run, in the evaluation, or while another thread
   *     solves; a listener may call it
   */
  public Map<String, Object> stateDict() {
    requireOwn();
    MethodState state = method == null ? resumed : method.state();
    if (state == null) {
      throw new IllegalStateException(
          "this solver has no state before its first run; call it in a listener, or after"
              + " minimize");
    }
    return state.toMap();
  }

  /**
   * Lets the next {@link #minimize} go on where another run was.
   *
   * @throws IllegalArgumentException naming the key that does not fit, or is out of its range;
   *     nothing changes then
   * @throws IllegalStateException while the solver is running
   */
  public void loadStateDict(Map<String, ?> stateDict) {
    requireIdle();
    resumed = MethodState.of(Objects.requireNonNull(stateDict, "stateDict"), variables.size());
    method = null;
  }
}
