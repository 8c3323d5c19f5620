package org.cooper4j.rates;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Who belongs to which group: by a code each, which costs O(n), or by masks, which may overlap. */
final class Groups {
  /** Everybody together: sums have no dimension of groups. */
  static final Groups NONE = new Groups(null, null, List.of());

  private final Tensor codes; // int64 [n]
  private final Tensor masks; // float64 [K, n]
  private final List<String> names;

  private Groups(Tensor codes, Tensor masks, List<String> names) {
    this.codes = codes;
    this.masks = masks;
    this.names = names;
  }

  static Groups ofCodes(Tensor codes, List<String> names) {
    return new Groups(codes, null, names);
  }

  static Groups ofMasks(Tensor masks, List<String> names) {
    return new Groups(null, masks, names);
  }

  static List<String> numbered(long count) {
    return IntStream.range(0, Math.toIntExact(count)).mapToObj(Integer::toString).toList();
  }

  boolean isNone() {
    return names.isEmpty();
  }

  int count() {
    return names.size();
  }

  /** In the order of the groups. */
  List<String> names() {
    return names;
  }

  /** All pairs of a group of these and one of the others, which vary faster. */
  Groups and(Groups other) {
    if (isNone() || other.isNone()) {
      return isNone() ? other : this;
    }
    List<String> pairs =
        names.stream().flatMap(a -> other.names.stream().map(b -> a + ", " + b)).toList();
    if (codes != null && other.codes != null) {
      return ofCodes(codes.mul(new Scalar((long) other.count())).add(other.codes), pairs);
    }
    long n = masks != null ? masks.size(1) : other.masks.size(1);
    return ofMasks(masks().unsqueeze(1).mul(other.masks().unsqueeze(0)).reshape(-1, n), pairs);
  }

  /** Sums of each group: float64 {@code [n]} to {@code [K]}, or to a scalar without groups. */
  Tensor sum(Tensor values) {
    if (isNone()) {
      return values.sum();
    }
    if (codes == null) {
      return masks.mv(values);
    }
    try (Device device = values.device()) {
      return torch
          .zeros(
              new long[] {count()},
              new TensorOptions(ScalarType.Double).device(new DeviceOptional(device)))
          .index_add(0, codes, values);
    }
  }

  /** Float64 {@code [K, n]}; not without groups. */
  Tensor masks() {
    if (masks != null) {
      return masks;
    }
    try (Device device = codes.device()) {
      Tensor each =
          torch.arange(
              new Scalar((long) count()),
              new TensorOptions(ScalarType.Long).device(new DeviceOptional(device)));
      return each.unsqueeze(1).eq(codes.unsqueeze(0)).to(ScalarType.Double);
    }
  }

  /** {@code [K, n]}, or {@code [1, n]} of everybody. */
  Tensor rows(Tensor values) {
    return isNone() ? values.unsqueeze(0) : masks().mul(values.unsqueeze(0));
  }

  @Override
  public String toString() {
    return isNone() ? "none" : Arrays.toString(names.toArray());
  }
}
