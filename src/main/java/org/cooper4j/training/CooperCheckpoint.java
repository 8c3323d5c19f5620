package org.cooper4j.training;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.CheckpointException;
import org.cooper4j.optim.RollOut;

/**
 * One file, in the layout that Cooper's tutorials give theirs, so that a run goes on in Python and
 * back: written after every epoch, and read by {@code fit} with this listener, if it is there and
 * no step was made yet.
 *
 * <pre>
 * batch_ix, epoch: int                   steps in all; the epoch that ended, from 0
 * all_metrics: {batch_ix: list[int], NAME: list[float], …}
 * NAME_state_dict, cmp_state_dict, cooper_optimizer_state_dict
 * </pre>
 *
 * <p>Of several processes all have this listener, and call {@code distribute} before {@code fit}:
 * the first one reads and writes the file, and all go on from it.
 *
 * <p>That layout has no place for generators, a shuffled loader's order or other listeners: what
 * needs them goes on bit for bit with {@link Checkpoints}.
 */
public final class CooperCheckpoint extends Saver {
  private static final String STEPS = "batch_ix";
  private static final String METRICS = "all_metrics";
  private static final String SUFFIX = "_state_dict";

  private final Path file;
  private final History history;
  private final Map<String, String> columns = new LinkedHashMap<>();
  private boolean writes = true;
  private boolean hasDerived;

  /**
   * A file; its folder is made if it is not there.
   *
   * @param history where the metrics are; it must listen to the same trainer, and is restored from
   *     the file, with {@code max_violation} where the metrics have the violations of all
   *     constraints and none is strict
   * @throws NullPointerException if either is null
   */
  public CooperCheckpoint(Path file, History history) {
    this.file = Objects.requireNonNull(file, "file");
    this.history = Objects.requireNonNull(history, "history");
  }

  /**
   * Adds a metric.
   *
   * @param name in Python, such as {@code train_loss}
   * @param column of the history, such as {@code loss}
   * @throws IllegalArgumentException if the file has something else of that name
   */
  public CooperCheckpoint metric(String name, String column) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(column, "column");
    if (name.equals(STEPS) || columns.putIfAbsent(name, column) != null) {
      throw new IllegalArgumentException(
          "metric '" + name + "': the file has something else of that name; choose another one");
    }
    return this;
  }

  /** Whether the file is written; it is unless set, of several processes by the first one alone. */
  public CooperCheckpoint writes(boolean whether) {
    writes = whether;
    return this;
  }

  /**
   * The metrics as the file has them: the steps that were recorded, and each metric's numbers.
   *
   * @throws IllegalArgumentException if the history has other columns, or they were recorded at
   *     different steps, for which the file has no place
   */
  public Map<String, List<? extends Number>> allMetrics() {
    Map<String, List<? extends Number>> all = new LinkedHashMap<>();
    all.put(STEPS, List.of());
    columns.forEach(
        (name, column) -> {
          boolean recorded = !history.names().isEmpty();
          List<Double> values = new ArrayList<>();
          if (recorded) {
            List<Long> steps = new ArrayList<>();
            for (long step : history.steps(column)) {
              steps.add(step);
            }
            for (double value : history.values(column)) {
              values.add(value);
            }
            List<? extends Number> others = all.put(STEPS, steps);
            if (!values.isEmpty() && !others.isEmpty() && !steps.equals(others)) {
              throw new IllegalArgumentException(
                  "metric '%s', column '%s': %d records at other steps than the %d before; the file has"
                          .formatted(name, column, steps.size(), others.size())
                      + " one list of steps for all, so give it columns of one History that are"
                      + " recorded together");
            }
          }
          all.put(name, values);
        });
    return all;
  }

  /** The file, if it is written. */
  @Override
  public Set<Path> claims() {
    return writes ? Set.of(file) : Set.of();
  }

  /**
   * Resumes, if the file is there and the run at its beginning.
   *
   * @throws IllegalArgumentException if it is damaged or of another training, naming the key that
   *     does not fit
   * @throws IllegalStateException if there are metrics, and the history does not listen
   */
  @Override
  public void start(Training training) {
    training.variables().stateDict(); // says now if a variable has no name
    if (!columns.isEmpty() && training.listeners().stream().noneMatch(l -> l == history)) {
      throw new IllegalStateException(
          file
              + ": the History of its CooperCheckpoint does not listen to this trainer, so it would"
              + " have no metrics; listen(history, checkpoint)");
    }
    if (training.step() > 0) { // a second fit goes on where the first ended
      return;
    }
    try {
      found(training).ifPresent(saved -> resume(training, saved));
    } catch (CheckpointException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "cannot resume: "
              + (e instanceof CheckpointException ? "" : file + ": ")
              + e.getMessage()
              + "; remove it, or choose another one",
          e);
    }
  }

  private boolean isWriter(Training training) {
    return writes && training.isFirst();
  }

  /** What the first process finds, in all of them. */
  private Optional<Checkpoint> found(Training training) {
    Supplier<Optional<Checkpoint>> here =
        () -> Files.exists(file) ? Optional.of(Checkpoint.load(file)) : Optional.empty();
    return training.optimizer().replica().size() == 1
        ? here.get()
        : training.share(() -> here.get().map(Checkpoint::root));
  }

  private void resume(Training training, Checkpoint saved) {
    long steps = saved.integer(STEPS);
    long epochs = saved.integer("epoch") + 1;
    OptionalLong each = training.batches();
    if (each.isPresent()
        && (epochs < 1 || steps % epochs != 0 || steps / epochs != each.getAsLong())) {
      throw new IllegalArgumentException(
          "batch_ix: expected %d batches in each of %d epochs, found %d in all"
              .formatted(each.getAsLong(), epochs, steps));
    }
    History metrics = new History();
    Checkpoint all = saved.map(METRICS);
    // A run that recorded nothing yet has none of them, as Python's defaultdict.
    int records = all.has(STEPS) ? all.list(STEPS).size() : 0;
    columns.forEach(
        (name, column) -> {
          if (records > 0 && all.list(name).size() != records) {
            throw new IllegalArgumentException(
                "all_metrics.%s: expected a number for each of %d steps, found %d"
                    .formatted(name, records, all.list(name).size()));
          }
          for (int i = 0; i < records; i++) {
            metrics.add(all.at(STEPS).integer(i), Map.of(column, all.at(name).number(i)));
          }
        });
    hasDerived = addLargest(training.problem(), metrics);
    Map<String, Object> state = new LinkedHashMap<>(saved.asMap());
    state.putAll(Map.of("epoch", epochs, "step", steps, "batch", 0L));
    training.loadStateDict(state);
    history.loadStateDict(metrics.stateDict());
  }

  /**
   * Adds the largest violations, which the file has no metric of, where it has the violations of
   * all constraints; whether it did.
   */
  private static boolean addLargest(ConstrainedMinimizationProblem<?> problem, History metrics) {
    Set<String> names = Set.copyOf(metrics.names());
    Map<Long, Double> largest = new LinkedHashMap<>();
    for (Map.Entry<String, Constraint> named : problem.namedConstraints().entrySet()) {
      boolean inequality = named.getValue().constraintType() == ConstraintType.INEQUALITY;
      String one = "violation/" + named.getKey();
      String column = inequality && names.contains(one + "/max") ? one + "/max" : one;
      if (!names.contains(column)) {
        return false;
      }
      long[] steps = metrics.steps(column);
      double[] values = metrics.values(column);
      for (int i = 0; i < steps.length; i++) {
        largest.merge(
            steps[i], inequality ? Math.max(0, values[i]) : Math.abs(values[i]), Math::max);
      }
    }
    if (largest.isEmpty() || names.contains(Numbers.MAX_VIOLATION)) {
      return false;
    }
    largest.forEach((step, value) -> metrics.add(step, Map.of(Numbers.MAX_VIOLATION, value)));
    return true;
  }

  @Override
  public void step(Training training, RollOut rollOut) {
    if (hasDerived && !training.values().strictViolations().isEmpty()) {
      history.forget(Numbers.MAX_VIOLATION, training.step()); // which would have been of these
    }
    hasDerived = false;
  }

  @Override
  public void epochEnd(Training training) {
    if (!isWriter(training)) {
      return;
    }
    Map<String, Object> saved = new LinkedHashMap<>();
    saved.put(STEPS, training.step());
    saved.put("epoch", training.epoch());
    saved.put(METRICS, allMetrics());
    training
        .stateDict()
        .forEach(
            (name, state) -> {
              if (name.endsWith(SUFFIX) && !name.startsWith("loader")) {
                saved.put(name, state);
              }
            });
    Checkpoint.save(file, saved);
  }
}
