package org.cooper4j.checkpoint;

import org.bytedeco.pytorch.Device;

/** How {@link Checkpoint#load} reads. */
public final class LoadOptions {
  private String device = "";
  private boolean opaque;

  /** All tensors on the CPU, and nothing but what {@link Python} lists. */
  public LoadOptions() {}

  /** Where tensors go, wherever they were saved. */
  public LoadOptions device(Device device) {
    this.device = device.str().getString();
    return this;
  }

  /**
   * Whether objects of other classes, which are refused else, become {@link Python.Opaque}: they
   * name their class and nothing more. Nothing of the file is run either way.
   */
  public LoadOptions opaque(boolean opaque) {
    this.opaque = opaque;
    return this;
  }

  byte[] device() {
    return Utf8.encode(device);
  }

  boolean opaque() {
    return opaque;
  }
}
