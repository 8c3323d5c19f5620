package org.cooper4j.training;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Module;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.RollValues;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.LoadOptions;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.Replicas;
import org.cooper4j.optim.RollOut;

/**
 * Where a training is, for its {@link TrainingListener}s. It belongs to the thread that called
 * {@code fit}; {@link #stop} alone may be called by any.
 */
public final class Training {
  private static final String OPTIMIZER = "cooper_optimizer_state_dict";
  private static final String PROCESSES = "process_states";
  private static final char LEAVES = 'l';
  private static final char STAYS = 's';

  private final CooperOptimizer<?> optimizer;
  private final Variables variables;
  private final List<TrainingListener> listeners;
  private final Position position = new Position();

  private OptionalLong batches = OptionalLong.empty();
  private long resumed;
  private RollOut rollOut;
  private Map<String, Double> numbers;
  private volatile String stopReason;
  private volatile Request request; // of several processes, until all know of one
  private boolean requested; // in any process
  private String leaver; // another process that ends
  private Throwable failure;
  private Thread trainer;
  private boolean whole;
  private boolean agreed;
  private volatile CountDownLatch end = new CountDownLatch(0);

  Training(CooperOptimizer<?> optimizer, Variables variables, List<TrainingListener> listeners) {
    this.optimizer = optimizer;
    this.variables = variables;
    this.listeners = listeners;
  }

  /** The optimizer that rolls. */
  public CooperOptimizer<?> optimizer() {
    return optimizer;
  }

  /** The problem. */
  public ConstrainedMinimizationProblem<?> problem() {
    return optimizer.cmp();
  }

  /** The modules that were given to the trainer, by name. */
  public Map<String, Module> modules() {
    return Collections.unmodifiableMap(variables.modules());
  }

  /** The epoch that runs, from 0: so many have ended before it. */
  public long epoch() {
    return position.epoch;
  }

  /** The steps made, those of before a resume included: 1 when the first one is listened to. */
  public long step() {
    return position.step;
  }

  /** The steps made in this epoch. */
  public long batch() {
    return position.batch;
  }

  /** The steps in an epoch, where the batches tell: a DataLoader's and a collection's do. */
  public OptionalLong batches() {
    return batches;
  }

  /**
   * The numbers of the last roll, read once; they are of the point before its step.
   *
   * @throws IllegalStateException before the first roll of a call of {@code fit}
   */
  public RollValues values() {
    if (rollOut == null) {
      throw new IllegalStateException("nothing was rolled yet; ask in step(…), or later");
    }
    return rollOut.values();
  }

  /**
   * {@link #values()} by names, as records and logs have them: {@code loss}; {@code
   * violation/NAME}, {@code multiplier/NAME} and {@code penalty/NAME} for every constraint, or
   * {@code …/NAME/max} and {@code …/NAME/mean} if it has more than one entry; {@code
   * max_violation}, which is 0 where all constraints hold; and the numbers of the state's misc by
   * their keys.
   *
   * @throws IllegalStateException as {@link #values()}
   */
  public Map<String, Double> numbers() {
    if (numbers == null) {
      numbers = Collections.unmodifiableMap(Numbers.of(values()));
    }
    return numbers;
  }

  /** Gives numbers that are none of a roll's to every listener's {@code numbers}. */
  public void publish(Map<String, Double> measured) {
    Map<String, Double> copy = Collections.unmodifiableMap(new LinkedHashMap<>(measured));
    listeners.forEach(listener -> listener.numbers(this, copy));
  }

  /**
   * Ends the run once all listeners have seen this step; the first reason counts. Any thread may
   * call it. Of several processes, those that a listener stops stop after the same step, or all
   * throw; what another thread calls in one of them is told the others with the next roll, and ends
   * the run in all after that.
   */
  public void stop(String reason) {
    stop(new Request(Objects.requireNonNull(reason, "reason"), false));
  }

  /** As {@link #stop}, in a process that ends: the others, if any, cannot go on without it. */
  void leave(String reason) {
    stop(new Request(reason, true));
  }

  private synchronized void stop(Request its) {
    boolean alike = Thread.currentThread() == trainer && !its.leaves();
    if (!alike && optimizer.replica().size() > 1) {
      request = request == null || its.leaves() ? its : request;
    } else if (stopReason == null) {
      stopReason = its.reason();
    }
  }

  /** What one of several processes was asked to do. */
  private record Request(String reason, boolean leaves) {}

  /** Why the run was stopped; empty if it runs, or did all that {@code fit} was asked for. */
  public Optional<String> stopReason() {
    return Optional.ofNullable(stopReason);
  }

  /** What was thrown by a roll or a listener; empty if nothing was. */
  public Optional<Throwable> failure() {
    return Optional.ofNullable(failure);
  }

  /**
   * All that the training goes on from, as a checkpoint holds it: {@code epoch, step, batch},
   * {@code NAME_state_dict} of each module, {@code cmp_state_dict}, {@code
   * cooper_optimizer_state_dict}, states of generators, the loader's position, and {@code
   * listeners}. Tensors are the live ones; {@link StateDict#copyOf} copies.
   *
   * @throws IllegalStateException if a primal variable is of no module, and has no name of its own
   */
  public Map<String, Object> stateDict() {
    Map<String, Object> state = position.stateDict();
    state.putAll(variables.stateDict());
    state.put(OPTIMIZER, optimizer.stateDict());
    Map<String, Object> states = new LinkedHashMap<>();
    namedListeners()
        .forEach(
            (name, listener) -> {
              Map<String, Object> remembered = listener.stateDict();
              if (!remembered.isEmpty()) {
                states.put(name, remembered);
              }
            });
    state.put("listeners", states);
    return state;
  }

  /**
   * Goes on from what {@link #stateDict()} gave; call it before the first step, in {@code start}.
   * Of listeners, those load that have a state there under the name of their class.
   *
   * @throws IllegalArgumentException naming the key that does not fit; everything but listeners is
   *     then as it was
   */
  public void loadStateDict(Map<String, ?> state) {
    Position there = Position.of(state);
    Map<String, Object> before = StateDict.copyOf(variables.stateDict());
    before.put(OPTIMIZER, StateDict.copyOf(optimizer.stateDict()));
    try {
      loadVariables(state);
      if (state.get("listeners") instanceof Map<?, ?> states) {
        loadListeners(states);
      }
    } catch (RuntimeException e) {
      loadVariables(before);
      throw e;
    }
    position.goTo(there);
    resumed = there.step;
  }

  /** The step that this call of {@code fit} was resumed to; -1 if none. */
  long resumed() {
    return resumed;
  }

  /**
   * All that the training of several processes goes on from: what {@link #stateDict()} gives in the
   * first one, and what each has of its own, the states of generators and loaders, as {@code
   * process_states}. Buffers of modules, such as running statistics, become those of the first one,
   * in all. Every process that the optimizer is distributed over calls it, after the same step; the
   * first one alone need save it. In a process alone it is {@link #stateDict()}.
   *
   * @throws IllegalStateException as {@link #stateDict()}
   */
  public Map<String, Object> stateDictOfAll() {
    Replicas.Replica copy = optimizer.replica();
    if (copy.size() == 1) {
      return stateDict();
    }
    copy.agree("a checkpoint after " + step() + " steps", "");
    variables.shareBuffers(copy);
    Map<String, Object> state = stateDict();
    List<Object> each = new ArrayList<>();
    for (byte[] bytes : copy.allGather(Checkpoint.bytes(Position.own(state)))) {
      each.add(Checkpoint.load(bytes, new LoadOptions()).asMap());
    }
    state.put(PROCESSES, each);
    return state;
  }

  /**
   * Goes on from what the first process finds, in all processes that the optimizer is distributed
   * over: each calls it before its first step, and gets what it had of its own, unless there are
   * other numbers of them now. In a process alone it goes on from what it finds.
   *
   * @param first asked in the first process alone
   * @return whether there was anything
   * @throws IllegalArgumentException as {@link #loadStateDict}
   */
  public boolean resume(Supplier<Optional<Map<String, Object>>> first) {
    Optional<Map<String, Object>> found =
        optimizer.replica().size() == 1 ? first.get() : share(first).map(Checkpoint::asMap);
    found.ifPresent(state -> loadStateDict(own(state)));
    return found.isPresent();
  }

  /** Whether this is the first process of several, which keeps the files, or the only one. */
  boolean isFirst() {
    return optimizer.replica().rank() == 0;
  }

  /** What the first process finds, in all. */
  <T> Optional<Checkpoint> share(Supplier<Optional<T>> first) {
    optimizer.replica().agree("a checkpoint to go on from", "");
    Object state = optimizer.replica().broadcast(() -> first.get().orElse(null));
    return Optional.ofNullable(state).map(Checkpoint::of);
  }

  /** Of the state of all what is this process's. */
  private Map<String, Object> own(Map<String, Object> all) {
    Replicas.Replica copy = optimizer.replica();
    Map<String, Object> own = new LinkedHashMap<>(all);
    List<?> each = own.remove(PROCESSES) instanceof List<?> states ? states : List.of();
    if (each.size() == copy.size() && each.get(copy.rank()) instanceof Map<?, ?> its) {
      its.forEach((key, value) -> own.put(String.valueOf(key), value));
    } else if (each.size() > 1 || copy.size() > 1) {
      Position.ofOtherProcesses(own, copy.rank());
    }
    return own;
  }

  private void loadVariables(Map<String, ?> state) {
    variables.load(state);
    Variables.load(state, OPTIMIZER, optimizer::loadStateDict);
  }

  @SuppressWarnings("unchecked")
  private void loadListeners(Map<?, ?> states) {
    namedListeners()
        .forEach(
            (name, listener) -> {
              if (states.containsKey(name)) {
                Variables.load((Map<String, ?>) states, name, listener::loadStateDict);
              }
            });
  }

  /** By the simple names of their classes; equal ones are numbered. */
  private Map<String, TrainingListener> namedListeners() {
    Map<String, TrainingListener> named = new LinkedHashMap<>();
    for (TrainingListener listener : listeners) {
      String name = listener.getClass().getSimpleName();
      String key = name;
      for (int i = 1; named.containsKey(key); i++) {
        key = name + "_" + i;
      }
      named.put(key, listener);
    }
    return named;
  }

  List<TrainingListener> listeners() {
    return listeners;
  }

  Variables variables() {
    return variables;
  }

  Position position() {
    return position;
  }

  /** A new call of {@code fit}. */
  void begin(OptionalLong size) {
    batches = size;
    resumed = -1;
    rollOut = null;
    numbers = null;
    stopReason = null;
    request = null;
    requested = false;
    leaver = null;
    trainer = Thread.currentThread();
    failure = null;
    whole = false;
    agreed = false;
    end = new CountDownLatch(1);
  }

  void rolled(RollOut latest) {
    whole = false;
    rollOut = latest;
    numbers = null;
    position.step++;
    position.batch++;
  }

  void failed(Throwable thrown) {
    failure = thrown;
  }

  /** Listeners are about to change what they remember. */
  void speaks() {
    whole = false;
  }

  /** All listeners have heard of all that happened. */
  void heard() {
    whole = true;
  }

  /** Whether what is remembered belongs together, so that a run can go on from it. */
  boolean isWhole() {
    return whole;
  }

  Optional<RollOut> rollOut() {
    return Optional.ofNullable(rollOut);
  }

  /** Before a roll: lets the other processes know in it what this one was asked to do. */
  void ask(Replicas.Replica copy) {
    copy.askToStop(request != null);
  }

  /** After a roll. */
  void hear(Replicas.Replica copy) {
    requested = copy.isAskedToStop();
  }

  /** All processes have ended after the same step; why, those that were asked tell the others. */
  void agreed(Replicas.Replica copy) {
    agreed = true;
    if (!requested) {
      return;
    }
    Request own = request;
    if (own != null && stopReason == null) {
      stopReason = own.reason();
    }
    String told = own == null ? "" : (own.leaves() ? LEAVES : STAYS) + own.reason();
    List<byte[]> each = copy.allGather(told.getBytes(StandardCharsets.UTF_8));
    for (int rank = 0; rank < each.size(); rank++) {
      String its = new String(each.get(rank), StandardCharsets.UTF_8);
      if (!its.isEmpty() && rank != copy.rank()) {
        String reason = "rank " + rank + ": " + its.substring(1);
        stopReason = stopReason == null ? reason : stopReason;
        leaver = leaver == null && its.charAt(0) == LEAVES ? reason : leaver;
      }
    }
  }

  /** Throws if another process has left, unless this one is about to. */
  void requireAll() {
    Request own = request;
    if (leaver != null && (own == null || !own.leaves())) {
      throw new CancellationException(
          "the training ended after "
              + step()
              + " steps, since a process did: "
              + leaver
              + "; start all of them again, to go on from the last checkpoint");
    }
  }

  boolean isAgreed() {
    return agreed;
  }

  void ended() {
    end.countDown();
  }

  /** Waits for {@code fit} to return; whether it did. */
  boolean awaitEnd(Duration patience) throws InterruptedException {
    return end.await(patience.toMillis(), TimeUnit.MILLISECONDS);
  }

  boolean goesOn() {
    return stopReason == null && !requested;
  }

  static long requireEvery(long n) {
    if (n < 1) {
      throw new IllegalArgumentException("every " + n + " steps: expected at least 1");
    }
    return n;
  }

  /** Where it is. */
  @Override
  public String toString() {
    return "Training(epoch " + epoch() + ", step " + step() + ")";
  }
}
