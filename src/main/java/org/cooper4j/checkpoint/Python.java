package org.cooper4j.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

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

    Counter(int capacity) {
      super(capacity);
    }

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

  /**
   * A tensor that is more to Python: an {@code nn.Parameter}, or one with attributes. Saving it
   * makes it that again.
   */
  public static final class TensorObject extends Tensor {
    private final boolean parameter;
    private final Map<Object, Object> attributes = new LinkedHashMap<>();

    /**
     * The same tensor, not a copy.
     *
     * @param parameter whether it is an {@code nn.Parameter}
     */
    public TensorObject(Tensor tensor, boolean parameter) {
      super(tensor);
      this.parameter = parameter;
    }

    /** Whether it is an {@code nn.Parameter}. */
    public boolean isParameter() {
      return parameter;
    }

    /** Its attributes by name; mutable. */
    public Map<Object, Object> attributes() {
      return attributes;
    }
  }

  /**
   * An object of a class that is not read, with {@link LoadOptions#opaque}: nothing but its class
   * is known, and it cannot be saved.
   */
  public static final class Opaque {
    private final String className;

    Opaque(String className) {
      this.className = className;
    }

    /** The dotted class, such as "argparse.Namespace". */
    public String className() {
      return className;
    }

    @Override
    public String toString() {
      return "opaque " + className;
    }
  }
}
