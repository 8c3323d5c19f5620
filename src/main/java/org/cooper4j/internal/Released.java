package org.cooper4j.internal;

import java.util.regex.Pattern;
import org.bytedeco.pytorch.Tensor;

/** Says what JavaCPP means by "This pointer address is NULL." */
public final class Released {
  private static final Pattern NULL_ADDRESS =
      Pattern.compile("This pointer address is NULL|Pointer address of argument \\d+ is NULL");

  private Released() {}

  /**
   * The tensor itself.
   *
   * @param owner whose it is
   * @throws IllegalStateException if it was released
   */
  public static Tensor requireOpen(Tensor tensor, Object owner) {
    if (tensor.isNull()) {
      throw new IllegalStateException(
          "this "
              + owner.getClass().getSimpleName()
              + " was released with the PointerScope that it was made in, or by close(); make it"
              + " where it lives long enough; see docs/troubleshooting.md#released");
    }
    return tensor;
  }

  /**
   * The exception to throw for what came out of somebody's code.
   *
   * @param who whose code it was
   * @return the exception itself unless a native object was used that is gone
   */
  public static RuntimeException explain(String who, RuntimeException e) {
    if (!(e instanceof NullPointerException)
        || e.getMessage() == null
        || !NULL_ADDRESS.matcher(e.getMessage()).find()) {
      return e;
    }
    return new IllegalStateException(
        who
            + " used a tensor, or another native object, that is null or was released"
            + place(e)
            + ": what one roll makes is released by the next one, and what was made in a"
            + " PointerScope ends with it; make it before, keep it with retainReference(), or keep"
            + " a clone that was made outside; see docs/troubleshooting.md#released",
        e);
  }

  /** Where LibTorch was called, and with what. */
  private static String place(RuntimeException e) {
    String method = null;
    for (StackTraceElement frame : e.getStackTrace()) {
      if (!frame.getClassName().startsWith("org.bytedeco.")) {
        return method == null ? "" : ", for " + method + "() at " + frame;
      }
      method = frame.getMethodName();
    }
    return "";
  }
}
