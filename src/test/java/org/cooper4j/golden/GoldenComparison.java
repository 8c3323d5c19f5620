package org.cooper4j.golden;

import static org.assertj.core.api.Assertions.fail;

import org.bytedeco.pytorch.Tensor;
import org.cooper4j.Devices;

/** Compares with a golden value; a failure names case, step, key, expected and found. */
record GoldenComparison(String label, double tolerance) {

  /** {@code expected} null means: there must be no tensor. */
  void check(int step, String key, double[] expected, Tensor found) {
    double[] values = found == null ? null : Devices.values(found);
    String where = label + ", step " + step + ", " + key;
    if ((expected == null) != (values == null)) {
      fail("%s: expected %s, found %s", where, text(expected), text(values));
    }
    if (expected == null) {
      return;
    }
    if (expected.length != values.length) {
      fail("%s: expected %s, found %s", where, text(expected), text(values));
    }
    for (int i = 0; i < expected.length; i++) {
      double error = Math.abs(values[i] - expected[i]) / Math.max(1, Math.abs(expected[i]));
      // Negated, so that NaN fails.
      if (!(error <= tolerance)) {
        fail(
            "%s[%d]: expected %s, found %s: off by %.2g, allowed %.2g",
            where, i, expected[i], values[i], error, tolerance);
      }
    }
  }

  /** A scalar. */
  void check(int step, String key, Double expected, Tensor found) {
    check(step, key, expected == null ? null : new double[] {expected}, found);
  }

  private static String text(double[] values) {
    return values == null ? "nothing" : java.util.Arrays.toString(values);
  }
}
