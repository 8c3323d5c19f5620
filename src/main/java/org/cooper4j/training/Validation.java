package org.cooper4j.training;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.data.DataLoader;
import org.cooper4j.optim.RollOut;

/**
 * Measures on other data than the training's, after every epoch or every n steps, with the
 * trainer's modules in evaluation mode and without gradients. The numbers are published as {@code
 * validation/loss}, {@code validation/violation/NAME}, {@code validation/max_violation} and so on,
 * for {@link History}, {@link EarlyStopping}, {@link BestFeasible} and logs.
 *
 * <pre>{@code
 * trainer.listen(new Validation<>(problem, validationLoader), new BestFeasible("validation"));
 * }</pre>
 *
 * @param <B> what the problem's evaluation needs
 */
public final class Validation<B> implements TrainingListener {
  /** What measures; modules are in evaluation mode, and no gradients are recorded. */
  @FunctionalInterface
  public interface Measure {
    /** The numbers by name, without the validation's own. */
    Map<String, Double> measure(Training training);
  }

  private final Measure measure;
  private final DataLoader loader;
  private String name = "validation";
  private long every;

  /** Evaluates the problem, as {@link Trainer#evaluate} does. */
  public Validation(ConstrainedMinimizationProblem<B> problem, Iterable<? extends B> batches) {
    Objects.requireNonNull(problem, "problem");
    Objects.requireNonNull(batches, "batches");
    measure = training -> Evaluation.of(problem, batches, training.modules().values());
    loader = batches instanceof DataLoader ours ? ours : null;
  }

  /** Measures something else, such as an accuracy. */
  public Validation(Measure measure) {
    this.measure = Objects.requireNonNull(measure, "measure");
    loader = null;
  }

  /**
   * Another name than {@code validation}: each one of a trainer has its own.
   *
   * @throws IllegalArgumentException if it is blank
   */
  public Validation<B> named(String newName) {
    name = requireName(newName);
    return this;
  }

  static String requireName(String name) {
    if (name.isBlank()) {
      throw new IllegalArgumentException("the name of a validation is blank; give it one");
    }
    return name;
  }

  /** The name. */
  @Override
  public Set<String> claims() {
    return Set.of("the name '" + name + "'");
  }

  boolean is(String itsName) {
    return name.equals(itsName);
  }

  /**
   * Measures every n steps, not after epochs.
   *
   * @throws IllegalArgumentException if n is below 1
   */
  public Validation<B> everySteps(long n) {
    every = Training.requireEvery(n);
    return this;
  }

  /**
   * Refuses to lose the training's place in its loader.
   *
   * @throws IllegalStateException if it would go through that loader in the middle of an epoch
   */
  @Override
  public void start(Training training) {
    if (every > 0 && training.position().iterates(loader)) {
      throw new IllegalStateException(
          "the validation '"
              + name
              + "' would go through the training's own loader in the middle of an epoch, whose"
              + " place is then lost; give it a loader of its own");
    }
  }

  @Override
  public void step(Training training, RollOut rollOut) {
    if (every > 0 && training.step() % every == 0) {
      run(training);
    }
  }

  @Override
  public void epochEnd(Training training) {
    if (every == 0) {
      run(training);
    }
  }

  private void run(Training training) {
    Map<String, Double> numbers = new LinkedHashMap<>();
    try (EvalMode mode = new EvalMode(training.modules().values());
        NoGradGuard noGrad = new NoGradGuard();
        PointerScope temporaries = new PointerScope()) {
      measure.measure(training).forEach((key, value) -> numbers.put(name + "/" + key, value));
    }
    training.publish(numbers);
  }

  /** The place of a shuffled loader. */
  @Override
  public Map<String, Object> stateDict() {
    return loader == null ? Map.of() : loader.stateDict();
  }

  @Override
  public void loadStateDict(Map<String, ?> state) {
    if (loader != null) {
      loader.loadStateDict(state);
    }
  }
}
