package org.cooper4j.optim;

import java.util.OptionalLong;
import java.util.function.Supplier;
import org.cooper4j.CMPState;

/**
 * Copies of one program that make the same steps, each from samples of its own. {@code
 * org.cooper4j.distributed.ProcessGroup} is one.
 */
public interface Replicas {
  /**
   * Takes an optimizer in, before its first roll: sees to it that all copies have the same problem
   * and start from the same variables and states.
   *
   * @throws IllegalArgumentException saying what differs
   */
  Replica join(CooperOptimizer<?> optimizer);

  /** This program's copy, for one optimizer; unless a method is overridden it is the only one. */
  interface Replica {
    /** Evaluates the problem once, over samples that are here. */
    default Evaluation part(Supplier<CMPState> problem) {
      return Evaluation.of(problem.get());
    }

    /** Of the evaluation over all samples that are here, the one over those of all copies. */
    default Evaluation whole(Evaluation own) {
      if (own.state().samples().equals(OptionalLong.of(0))) {
        throw new IllegalArgumentException("the batch has no samples at all");
      }
      return own;
    }

    /** A roll fails here: the others need not wait for this copy any more. */
    default void fail(Throwable reason) {}
  }

  /** Of a program without copies. */
  Replica ALONE = new Replica() {};
}
