package org.cooper4j.training;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.checkpoint.RngState;
import org.cooper4j.data.DataLoader;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.Replicas;
import org.cooper4j.optim.RollOut;

/**
 * A training loop: rolls an optimizer over batches, and calls {@link TrainingListener}s.
 *
 * <pre>{@code
 * History history = new History(10);
 * new Trainer<>(optimizer)
 *     .module("model", model)
 *     .listen(history, new Checkpoints(folder).everySteps(100))
 *     .fit(loader, 5);
 * }</pre>
 *
 * <p>It does nothing that a loop of your own could not: {@code for (batch : loader)
 * optimizer.roll(batch)}, and listeners. Epochs and steps are counted from its making, or from the
 * start of the run that it resumed, so that {@code fit(loader, 5)} and then {@code fit(loader, 7)}
 * train 7 epochs. A run that was stopped in an epoch goes on in that epoch.
 *
 * <p>Batches are an {@link Iterable}, each pass over which is an epoch. To go on in the middle of
 * one, a {@link DataLoader} is set to its place; of any other Iterable the batches that were used
 * are drawn and skipped, so it must give the same ones again: in a fixed order, or in one that it
 * draws from LibTorch's CPU generator.
 *
 * <p>An interrupt of the thread ends the run after the step, as {@link Training#stop} does; the
 * thread then is interrupted still.
 *
 * <p>Of an optimizer that is distributed over several processes all have a trainer, with the same
 * listeners, and end after the same step: where they do not, all throw an exception that says which
 * ended, and why. Their DataLoaders, where they are shards, are compared before the first step:
 * each process has another share of the same batches. What a listener throws in one of them, the
 * others are told. Where one is stopped by another of its threads, or its JVM is asked to end, all
 * stop after the next step; if a JVM ends, the others throw a CancellationException once listeners
 * have heard of the end.
 *
 * @param <B> what the problem's evaluation needs
 */
public final class Trainer<B> {
  private final CooperOptimizer<B> optimizer;
  private final Variables variables;
  private final List<TrainingListener> listeners = new ArrayList<>();
  private final Training training;
  private boolean running;

  /** A trainer; the optimizer stays its maker's. */
  public Trainer(CooperOptimizer<B> optimizer) {
    this.optimizer = Objects.requireNonNull(optimizer, "optimizer");
    variables = new Variables(optimizer);
    training = new Training(optimizer, variables, Collections.unmodifiableList(listeners));
  }

  /**
   * Names a module that is trained: checkpoints have it as {@code NAME_state_dict}, and validation
   * puts it into evaluation mode.
   *
   * @throws IllegalArgumentException if the name is taken
   */
  public Trainer<B> module(String name, Module module) {
    variables.add(Objects.requireNonNull(name, "name"), Objects.requireNonNull(module, "module"));
    return this;
  }

  /**
   * Names a primal variable that is of no module, for checkpoints.
   *
   * @throws IllegalArgumentException if the name is taken, or there is no such tensor
   */
  public Trainer<B> variable(String name, Tensor variable) {
    variables.add(Objects.requireNonNull(name, "name"), variable);
    return this;
  }

  /**
   * Adds listeners. They are called in this order, but {@link Checkpoints} and {@link
   * CooperCheckpoint} after all others, so that what they save is whole; at the start and the end,
   * before all others.
   *
   * @throws IllegalArgumentException if one listens already, which would hear everything twice;
   *     none is then added
   * @throws IllegalStateException during {@code fit}
   */
  public Trainer<B> listen(TrainingListener... added) {
    requireIdle();
    List<TrainingListener> all = new ArrayList<>(listeners);
    for (TrainingListener listener : added) {
      Objects.requireNonNull(listener, "listener");
      if (all.stream().anyMatch(other -> other == listener)) {
        throw new IllegalArgumentException(
            "the listener "
                + listener
                + " was given twice, and would hear everything twice; give it once, or make"
                + " another");
      }
      all.add(listener);
    }
    all.sort(Comparator.comparing(Trainer::saves)); // keeps the order of equal ones
    listeners.clear();
    listeners.addAll(all);
    return this;
  }

  private static boolean saves(TrainingListener listener) {
    return listener instanceof Saver;
  }

  /**
   * The numbers of a problem over all batches, with its modules in evaluation mode and without
   * gradients: names are those of {@link Training#numbers()}. Loss, misc and the entries of
   * violations are means over batches, weighted by the size of a {@link org.cooper4j.data.Batch};
   * violations of indexed constraints by row. {@code max_violation} is that of these means.
   *
   * <p>Modules are those given to {@link #module}; afterwards each part has the mode that it had.
   *
   * @throws IllegalStateException if there are no batches
   */
  public Map<String, Double> evaluate(Iterable<? extends B> batches) {
    return Evaluation.of(optimizer.cmp(), batches, variables.modules().values());
  }

  /** The training as it is. */
  public Training training() {
    return training;
  }

  /**
   * Trains until so many epochs have been done in all, or a listener stops it. It does nothing if
   * so many, those before a resume included, have been done already.
   *
   * @param epochs at least 0
   * @return why and where it ended
   * @throws IllegalArgumentException if it is below 0, or if a listener that resumes a checkpoint
   *     finds that it does not fit
   * @throws IllegalStateException if the batches give none, this trainer is training already, two
   *     of its listeners have an equal {@link TrainingListener#claims() claim}, or another training
   *     that runs writes to the same place
   * @throws java.io.UncheckedIOException if nothing can be written to a place that is claimed
   * @throws CancellationException if the JVM of another one of several processes ends
   * @throws RuntimeException what a roll or a listener threw; with those of listeners' {@code end}
   *     as suppressed ones
   */
  public Training fit(Iterable<? extends B> batches, long epochs) {
    return run(batches, epochs, Long.MAX_VALUE);
  }

  /**
   * Trains until so many steps have been done in all, or a listener stops it.
   *
   * @param steps at least 0
   * @return as {@link #fit}, which tells what is thrown, too
   */
  public Training fitSteps(Iterable<? extends B> batches, long steps) {
    return run(batches, Long.MAX_VALUE, steps);
  }

  /** Trains a problem whose evaluation needs nothing; there are no epochs. */
  public Training fitSteps(long steps) {
    return fitSteps(() -> new Nothing<B>(), steps);
  }

  /** One null after the other. */
  private static final class Nothing<B> implements Iterator<B> {
    @Override
    public boolean hasNext() {
      return true;
    }

    @Override
    public B next() {
      return null;
    }
  }

  /** Sees whether this can be run; of several processes the others are told if not. */
  private Claims prepare(Iterable<? extends B> batches, long epochs, long steps) {
    Replicas.Replica copy = optimizer.replica();
    try {
      Objects.requireNonNull(batches, "batches");
      if (epochs < 0 || steps < 0) {
        throw new IllegalArgumentException(
            epochs < 0
                ? "epochs is " + epochs + "; expected how many there are to be in all, at least 0"
                : "steps is " + steps + "; expected how many there are to be in all, at least 0");
      }
      boolean isFirst = training.isFirst();
      for (TrainingListener listener : listeners) {
        if (isFirst && listener instanceof Saver saver) {
          saver.prepare();
        }
      }
      return Claims.of(listeners, listener -> isFirst || !saves(listener));
    } catch (RuntimeException e) {
      copy.fail(e);
      throw e;
    }
  }

  private Training run(Iterable<? extends B> batches, long epochs, long steps) {
    requireIdle();
    Claims claims = prepare(batches, epochs, steps);
    running = true;
    training.begin(size(batches));
    training.position().begin(batches);
    List<TrainingListener> started = new ArrayList<>();
    try {
      start(started);
      Shares.agree(batches, optimizer.replica());
      loop(batches, epochs, steps);
      agreeOnEnd();
    } catch (RuntimeException | Error e) {
      training.failed(e);
      optimizer.replica().fail(e);
    }
    training.position().epochEnded = false;
    try {
      end(started);
      if (training.isAgreed()) { // listeners may have put something back
        optimizer.replica().compare("the end of a training");
        training.requireAll();
      }
    } catch (RuntimeException | Error e) {
      training.failed(e);
      optimizer.replica().fail(e);
      throw e;
    } finally {
      claims.giveBack();
      running = false;
      training.position().pause();
      training.ended();
    }
    return training;
  }

  /** Until its end, a stop, or a roll's failure that a listener takes. */
  private void loop(Iterable<? extends B> batches, long epochs, long steps) {
    Replicas.Replica copy = optimizer.replica();
    Position position = training.position();
    while (training.goesOn() && position.epoch < epochs && position.step < steps) {
      Iterator<? extends B> iterator = position.iterator(batches);
      while (training.goesOn() && position.step < steps && iterator.hasNext()) {
        RollOut rollOut;
        B batch = iterator.next();
        training.ask(copy);
        try {
          rollOut = optimizer.roll(batch);
        } catch (RuntimeException e) {
          if (listeners.stream().anyMatch(listener -> listener.rollFailed(training, e))) {
            return;
          }
          throw e;
        }
        training.hear(copy);
        training.rolled(rollOut);
        for (TrainingListener listener : listeners) {
          listener.step(training, rollOut);
        }
        training.heard();
        if (Thread.currentThread().isInterrupted()) {
          training.stop("interrupted");
        }
      }
      if (hasMore(iterator)) {
        break;
      }
      if (position.batch == 0) {
        throw new IllegalStateException(
            "epoch "
                + position.epoch
                + " has no batches; the data set is empty or smaller than a batch that is dropped,"
                + " or iterator() does not start a new pass");
      }
      position.epochEnded = true;
      training.speaks();
      listeners.forEach(listener -> listener.epochEnd(training));
      training.heard();
      position.endEpoch();
    }
  }

  /** Of several processes all have to end here: those that went on would wait for this one. */
  private void agreeOnEnd() {
    Replicas.Replica copy = optimizer.replica();
    String end = "the end of a training after " + training.step() + " steps";
    String why = training.stopReason().map(reason -> ", stopped: " + firstLine(reason)).orElse("");
    if (copy.size() > 1 && Thread.currentThread().isInterrupted()) {
      copy.fail(new CancellationException(end + why));
    } else {
      copy.agree(end, why);
      training.agreed(copy);
    }
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse("");
  }

  /** Asks without a trace in the state that is saved, should the answer draw random numbers. */
  private static boolean hasMore(Iterator<?> iterator) {
    try (Tensor before = RngState.get()) {
      boolean more = iterator.hasNext();
      if (more) {
        RngState.set(before);
      }
      return more;
    }
  }

  private void start(List<TrainingListener> started) {
    for (TrainingListener listener : saversFirst(listeners)) {
      started.add(listener);
      listener.start(training);
    }
    training.heard();
  }

  private static List<TrainingListener> saversFirst(List<TrainingListener> listeners) {
    List<TrainingListener> order = new ArrayList<>(listeners);
    order.sort(Comparator.comparing(listener -> !saves(listener)));
    return order;
  }

  /** Calls every listener's end, whatever the others throw. */
  private void end(List<TrainingListener> started) {
    // Files that a listener closes would be cut off by the interrupt.
    boolean interrupted = Thread.interrupted();
    Throwable thrown = training.failure().orElse(null);
    for (TrainingListener listener : started) {
      try {
        listener.end(training);
      } catch (RuntimeException | Error e) {
        if (thrown == null) {
          thrown = e;
          training.failed(e);
        } else if (thrown != e) {
          thrown.addSuppressed(e);
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (thrown instanceof Error error) {
      throw error;
    } else if (thrown != null) {
      throw (RuntimeException) thrown;
    }
  }

  private void requireIdle() {
    if (running) {
      throw new IllegalStateException("this trainer is training; wait for fit to return");
    }
  }

  private static OptionalLong size(Iterable<?> batches) {
    if (batches instanceof DataLoader loader) {
      return OptionalLong.of(loader.size());
    }
    return batches instanceof Collection<?> collection
        ? OptionalLong.of(collection.size())
        : OptionalLong.empty();
  }
}
