package org.cooper4j.distributed;

/**
 * Another process of the group failed, ended, hangs, does something else or has other variables, or
 * waiting for it was interrupted; the message names the rank. The group has ended then.
 */
public final class ProcessGroupException extends RuntimeException {
  ProcessGroupException(String message, Throwable cause) {
    super(message, cause);
  }
}
