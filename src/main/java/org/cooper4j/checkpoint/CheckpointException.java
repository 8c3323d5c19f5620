package org.cooper4j.checkpoint;

/** A checkpoint file that cannot be read or written, with where and why. */
public final class CheckpointException extends RuntimeException {
  /** For who reads or writes such files in other ways than {@link Checkpoint}. */
  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }

  /** Leaves what Java itself threw, and names what the native layer threw. */
  static RuntimeException of(RuntimeException e) {
    return e.getClass() == RuntimeException.class ? new CheckpointException(e.getMessage(), e) : e;
  }

  /**
   * The same for a format's own rules, where an argument that does not fit is what a file holds.
   */
  static RuntimeException ofFormat(RuntimeException e) {
    return e instanceof IllegalArgumentException
        ? new CheckpointException(e.getMessage(), e)
        : of(e);
  }
}
