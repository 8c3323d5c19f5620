package org.cooper4j.optim;

import java.util.List;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
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

  /**
   * This program's copy, for one optimizer; unless a method is overridden it is the only one. All
   * copies call the same methods in the same order.
   */
  interface Replica {
    /** The number of this copy, from 0. */
    default int rank() {
      return 0;
    }

    /** How many copies there are. */
    default int size() {
      return 1;
    }

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

    /**
     * What the first copy gives, in all of them: anything that a checkpoint holds, of any size.
     *
     * @param first asked in the first copy alone, which keeps the objects as they are
     */
    default Object broadcast(Supplier<?> first) {
      return first.get();
    }

    /** Overwrites tensors with those of the first copy. */
    default void broadcast(List<Tensor> tensors) {}

    /** What each copy gives, by their numbers. */
    default List<byte[]> allGather(byte[] own) {
      return List.of(own);
    }

    /**
     * Sees to it that all copies come here with the same text, and throws if not.
     *
     * @param what of one line
     * @param why told with it, and may differ
     */
    default void agree(String what, String why) {}

    /**
     * Sees to it that all copies come here, and still have the same variables and states, and
     * throws what differs if not.
     *
     * @param where this is, of one line
     */
    default void compare(String where) {}

    /**
     * Whether this copy would have all of them stop, as its own process has been asked to: the
     * others learn it in the next roll.
     */
    default void askToStop(boolean whether) {}

    /** Whether any copy has asked in the rolls since the last {@link #askToStop}; alike in all. */
    default boolean isAskedToStop() {
      return false;
    }

    /**
     * A roll, or what is around it, fails here: the others need not wait for this copy any more.
     */
    default void fail(Throwable reason) {}
  }

  /** Of a program without copies. */
  Replica ALONE = new Replica() {};
}
