package org.cooper4j.checkpoint;

/**
 * The command {@code convert [--key NAME[.NAME…]] IN OUT}: makes safetensors of a checkpoint in
 * torch.save's format, or the other way round. Exit code 1 if it failed, 2 for wrong usage.
 */
public final class Convert {
  private Convert() {}

  /** Runs the command and ends the process. */
  public static void main(String[] args) {
    Command.runAndExit("convert", args);
  }
}
