package org.cooper4j.rates;

import java.util.List;
import java.util.function.Supplier;
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
  static final Groups NONE = new Groups(null, null, 0, List::of);

  private final Tensor codes; // int64 [n]
  private final Tensor masks; // float64 [K, n]
  private final int count;
  private final Supplier<List<String>> names; // which few steps of a training ask for

  private Groups(Tensor codes, Tensor masks, int count, Supplier<List<String>> names) {
    this.codes = codes;
    this.masks = masks;
    this.count = count;
    this.names = names;
  }

  static Groups ofCodes(Tensor codes, List<String> names) {
    return new Groups(codes, null, names.size(), () -> names);
  }

  static Groups ofCodes(Tensor codes, int count) {
    return new Groups(codes, null, count, () -> numbered(count));
  }

  static Groups ofMasks(Tensor masks) {
    int count = Math.toIntExact(masks.size(0));
    return new Groups(null, masks, count, () -> numbered(count));
  }

  private static List<String> numbered(int count) {
    return IntStream.range(0, count).mapToObj(Integer::toString).toList();
  }

  boolean isNone() {
    return count == 0;
  }

  int count() {
    return count;
  }

  /** Codes, int64 {@code [n]}, or masks, float64 {@code [K, n]}; null without groups. */
  Tensor tensor() {
    return codes != null ? codes : masks;
  }

  /**
   * The group of each example, int64 {@code [n]}; null without groups, or where they may overlap.
   */
  Tensor codes() {
    return codes;
  }

  /** In the order of the groups. */
  List<String> names() {
    return names.get();
  }

  /** All pairs of a group of these and one of the others, which vary faster. */
  Groups and(Groups other) {
    if (isNone() || other.isNone()) {
      return isNone() ? other : this;
    }
    int pairs = Math.multiplyExact(count, other.count);
    Supplier<List<String>> both =
        () -> names().stream().flatMap(a -> other.names().stream().map(b -> a + ", " + b)).toList();
    if (codes != null && other.codes != null) {
      Tensor product = codes.mul(new Scalar((long) other.count)).add(other.codes);
      return new Groups(product, null, pairs, both);
    }
    Tensor product = masks().unsqueeze(1).mul(other.masks().unsqueeze(0));
    return new Groups(null, product.flatten(0, 1), pairs, both);
  }

  /** Sums of each group: float64 {@code [n]} to {@code [K]}, or to a scalar without groups. */
  Tensor sum(Tensor values) {
    if (isNone()) {
      return values.sum();
    }
    if (codes == null) {
      return masks.mv(values);
    }
    return values.new_zeros(count()).index_add(0, codes, values);
  }

  /** Sums of each group over some examples, int64 {@code [P]}; of codes alone. */
  Tensor sumOf(Tensor examples, Tensor values) {
    return values.new_zeros(count()).index_add(0, codes.index_select(0, examples), values);
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

  /** {@code [K, n]}, or {@code [1, n]} of everybody; for masks, as n codes are K n numbers. */
  Tensor rows(Tensor values) {
    return isNone() ? values.unsqueeze(0) : masks().mul(values.unsqueeze(0));
  }

  @Override
  public String toString() {
    return isNone() ? "none" : names().toString();
  }
}
