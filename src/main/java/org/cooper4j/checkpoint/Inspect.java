package org.cooper4j.checkpoint;

/**
 * The command {@code inspect [--json] [--opaque] [--limit BYTES] FILE_OR_FOLDER…}: prints the tree
 * of checkpoints, in torch.save's format or safetensors. Exit code 1 if a file could not be read or
 * nothing was found, 2 for wrong usage.
 */
public final class Inspect {
  private Inspect() {}

  /** Runs the command and ends the process. */
  public static void main(String[] args) {
    Command.runAndExit("inspect", args);
  }
}
