package org.cooper4j.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Python's values without a Java type of their own. The others are {@code null}, {@code Boolean},
 * {@code Long}, {@code BigInteger}, {@code Double}, {@code String}, {@code byte[]}, {@code Tensor},
 * and, all mutable, {@code ArrayList} for list, {@code LinkedHashMap} for dict, {@code
 * LinkedHashSet} for set and {@link StateDict} for OrderedDict.
 */
public final class Python {
  private Python() {}

  /** A tuple. */
  public record Tuple(List<Object> items) {}

  /** A complex number. */
  public record Complex(double real, double imaginary) {}

  /** A bytearray. */
  @SuppressWarnings("ArrayRecordComponent") // mutable as Python's is, and compared by identity
  public record ByteArray(byte[] bytes) {}

  /** A {@code collections.Counter}. */
  public static final class Counter extends LinkedHashMap<Object, Object> {
    /** An empty counter. */
    public Counter() {}

    /** A counter of the given counts. */
    public Counter(Map<?, ?> counts) {
      super(counts);
    }
  }

  /** A {@code torch.Size}. */
  public record Size(List<Long> sizes) {}

  /** A {@code torch.dtype}; the name is as in "float32". */
  public record Dtype(String name) {}

  /** A {@code torch.device}; the name is as in "cuda:0". */
  public record Device(String name) {}

  /** A {@code torch.layout}; the name is as in "torch.strided". */
  public record Layout(String name) {}

  /** A member of an enum: its dotted class and its value. */
  public record EnumMember(String className, Object value) {}
}
