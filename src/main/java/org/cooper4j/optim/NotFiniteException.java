package org.cooper4j.optim;

/**
 * Says that a roll was refused since its loss, a violation or a multiplier is NaN or infinite; no
 * variable moved.
 */
public final class NotFiniteException extends IllegalArgumentException {
  NotFiniteException(String message, Throwable cause) {
    super(message, cause);
  }
}
