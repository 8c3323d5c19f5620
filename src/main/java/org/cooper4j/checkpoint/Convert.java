package org.cooper4j.checkpoint;

/**
 * The command {@code convert [--key NAME[.NAME…]] [--opaque] [--limit BYTES] IN OUT}: writes a
 * checkpoint in the format that OUT's name says, safetensors or torch.save's. Exit code 1 if it
 * failed, 2 for wrong usage.
 */
public final class Convert {
  private Convert() {}

  /** Runs the command and ends the process. */
  public static void main(String[] args) {
    Command.runAndExit("convert", args);
  }
}
