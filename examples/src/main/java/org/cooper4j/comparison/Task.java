package org.cooper4j.comparison;

import java.util.function.Consumer;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.ConstraintState;
import org.cooper4j.ConstraintType;
import org.cooper4j.data.Batch;

/** A problem at its start, to be trained or solved once: its variables, its data, its measure. */
public abstract class Task extends ConstrainedMinimizationProblem<Batch> {
  private Consumer<CMPState> observer = state -> {};

  /** What an algorithm moves; leaves that require grad. */
  public abstract TensorVector variables();

  /** An epoch; null is all data at once. */
  public abstract Iterable<Batch> batches();

  /** The problem at a batch. */
  protected abstract CMPState evaluate(Batch batch);

  @Override
  public final CMPState computeCMPState(Batch batch) {
    CMPState state = batch == null ? whole() : evaluate(batch);
    observer.accept(state);
    return state;
  }

  /** Shows someone every state that an algorithm evaluates. */
  final void observe(Consumer<CMPState> observer) {
    this.observer = observer;
  }

  /** The problem on all data, without noise. */
  protected abstract CMPState whole();

  /** How good the variables are now. */
  public final Measured measure() {
    try (NoGradGuard noGrad = new NoGradGuard()) {
      return measured(whole());
    }
  }

  /** What counts of a state: of a rate, the rate itself and not what stands in for its gradient. */
  static Measured measured(CMPState state) {
    double[] worst = {0};
    state
        .observedConstraints()
        .forEach(
            (constraint, observed) ->
                worst[0] = Math.max(worst[0], worst(constraint.constraintType(), observed)));
    return new Measured(state.loss().orElseThrow().item_double(), worst[0]);
  }

  private static double worst(ConstraintType type, ConstraintState observed) {
    Tensor violation = observed.strictViolation().orElse(observed.violation()).detach();
    Tensor size = type == ConstraintType.EQUALITY ? violation.abs() : violation;
    return size.numel() == 0 ? 0 : size.max().item_double();
  }
}
