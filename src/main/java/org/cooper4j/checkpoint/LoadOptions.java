package org.cooper4j.checkpoint;

import org.bytedeco.pytorch.Device;

/** How {@link Checkpoint#load} and {@link SafeTensors#load} read. */
public final class LoadOptions {
  /** 64 MiB. */
  public static final long DEFAULT_LIMIT = 64L << 20;

  private String device = "";
  private boolean opaque;
  private long limit = DEFAULT_LIMIT;

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

  /**
   * Bounds what a file may cost beyond what its size explains. A file of n bytes is refused where
   * reading it takes more than 3 limit + 4 n bytes of memory or limit + 8 n steps of work of up to
   * 10 ns: only what a file names again and again, or stretches, costs that much.
   *
   * @param limit in bytes, at least 0; {@link #DEFAULT_LIMIT} at first
   */
  public LoadOptions limit(long limit) {
    if (limit < 0) {
      throw new IllegalArgumentException("limit: expected at least 0 bytes, found " + limit);
    }
    this.limit = limit;
    return this;
  }

  byte[] device() {
    return Utf8.encode(device);
  }

  boolean opaque() {
    return opaque;
  }

  long limit() {
    return limit;
  }
}
