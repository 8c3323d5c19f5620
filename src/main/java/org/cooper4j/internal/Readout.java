package org.cooper4j.internal;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Numbers read in one native call, part by part; native/src/jni/bridge.h has their order. */
public final class Readout {
  private static final double[] NONE = {};

  private final long[] counts;
  private double[] values;
  private int part;
  private int position;

  /**
   * Of evaluations, and of scalars besides.
   *
   * @param primal of the primal side, with so many terms; may be null
   * @param dual of the dual side, likewise; may be the same
   * @param scalars tensors, of which those that are no scalars are left out
   */
  public Readout(
      Evaluation primal, int primalTerms, Evaluation dual, int dualTerms, List<Tensor> scalars) {
    this(
        primal,
        dual,
        1 + 4 * (dual == null ? primalTerms : dualTerms) + 2 * primalTerms + dualTerms,
        scalars,
        1);
  }

  private Readout(Evaluation primal, Evaluation dual, int parts, List<Tensor> tensors, long most) {
    long[] addresses = new long[tensors.size()];
    for (int i = 0; i < addresses.length; i++) {
      addresses[i] = tensors.get(i).address();
    }
    counts = new long[parts + addresses.length];
    values = new double[8 * counts.length];
    long total = read(primal, dual, addresses, most);
    if (total > values.length) {
      values = new double[Math.toIntExact(total)];
      read(primal, dual, addresses, most);
    }
    java.lang.ref.Reference.reachabilityFence(tensors);
  }

  /** All elements of dense, real tensors. */
  public static Readout of(List<Tensor> tensors) {
    Readout readout = new Readout(null, null, 1, tensors, Long.MAX_VALUE);
    readout.next(); // no loss
    return readout;
  }

  /** All elements of a dense, real tensor. */
  public static double[] values(Tensor tensor) {
    return of(List.of(tensor)).next();
  }

  private long read(Evaluation primal, Evaluation dual, long[] tensors, long most) {
    return Native.readValues(
        primal, dual, tensors, tensors.length, most, counts, values, values.length);
  }

  /** The elements of the next part; null if there is none. */
  public double[] next() {
    int count = (int) counts[part++];
    if (count <= 0) {
      return count < 0 ? null : NONE;
    }
    position += count;
    return Arrays.copyOfRange(values, position - count, position);
  }
}
