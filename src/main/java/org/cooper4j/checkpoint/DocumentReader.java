package org.cooper4j.checkpoint;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Document;
import org.cooper4j.internal.Document.Kind;
import org.cooper4j.internal.Tensors;

/**
 * Makes Java objects of a document's nodes, one object a node, so that shared and recursive
 * containers stay what they are. It walks with a stack of its own: a file cannot exhaust Java's.
 * What it makes is counted against the document's budget, in rough sizes of the JVM's.
 */
final class DocumentReader {
  private static final int NODE = 18; // this class's own arrays
  private static final int CHILD = 4;
  private static final int NUMBER = 16;
  private static final int ITEM = 4;
  private static final int ENTRY = 48;
  private static final int SEQUENCE = 56; // a tuple around a list around an array
  private static final int CONTAINER = 64;
  private static final int TENSOR = 700;
  private static final int TENSOR_WORK = 500;
  private static final int COLLISIONS = 8; // keys of one hash that a HashMap keeps in a list
  private static final int PIECE = 1 << 16;

  private final Document document;
  private final Object[] objects;
  private final boolean[] opened;
  private final byte[] kinds;
  private final long[] numbers;
  // The children of a node, from its start to the next node's: no array a container, since a file
  // may hold millions of small ones.
  private final int[] starts;
  private final int[] children;
  private final Stack stack = new Stack();
  private long held;

  DocumentReader(Document document) {
    this.document = document;
    int nodes = document.nodeCount();
    long count = document.childCount();
    document.hold((long) NODE * nodes + CHILD * count);
    this.objects = new Object[nodes];
    this.opened = new boolean[nodes];
    this.kinds = document.kinds();
    this.numbers = document.numbers();
    this.starts = new int[nodes + 1];
    this.children = new int[Math.toIntExact(count)];
    document.children(starts, children);
  }

  /** The containers whose children are being read, the innermost last, and how far each is. */
  private static final class Stack {
    int[] nodes = new int[64];
    int[] next = new int[64];
    int depth;

    void push(int node, int start) {
      if (depth == nodes.length) {
        nodes = Arrays.copyOf(nodes, 2 * depth);
        next = Arrays.copyOf(next, 2 * depth);
      }
      nodes[depth] = node;
      next[depth++] = start;
    }
  }

  Object read(int root) {
    open(root);
    while (stack.depth > 0) {
      int top = stack.depth - 1;
      int node = stack.nodes[top];
      if (stack.next[top] < starts[node + 1]) {
        open(children[stack.next[top]++]);
      } else {
        stack.depth--;
        finish(node);
      }
    }
    document.hold(held);
    held = 0;
    return objects[root];
  }

  /** The {@code __dict__} of a dict that was read, or null. */
  Object attributes(int node) {
    return hasAttributes(node) ? objects[children[starts[node + 1] - 1]] : null;
  }

  private int count(int node) {
    return starts[node + 1] - starts[node];
  }

  /** Of a dict: behind its keys and values. */
  private boolean hasAttributes(int node) {
    return count(node) % 2 != 0;
  }

  private void open(int node) {
    if (opened[node]) {
      return;
    }
    opened[node] = true;
    Kind kind = Document.kind(kinds[node]);
    objects[node] = shell(node, kind);
    if (count(node) > 0 && kind != Kind.SIZE) {
      stack.push(node, starts[node]);
    } else if (objects[node] == null) {
      objects[node] = immutable(node, kind);
    }
  }

  private void hold(long bytes) {
    held += bytes;
    if (held >= PIECE) {
      document.hold(held);
      held = 0;
    }
  }

  /** What will hold the children, of just the size that they need. */
  private Object shell(int node, Kind kind) {
    int count = count(node);
    return switch (kind) {
      case LIST -> items(count);
      case TUPLE -> new Python.Tuple(items(count));
      case SET -> new LinkedHashSet<>(entries(count));
      case DICT, DEFAULT_DICT -> new LinkedHashMap<>(entries(count / 2));
      case ORDERED_DICT -> new StateDict(entries(count / 2));
      case COUNTER -> new Python.Counter(entries(count / 2));
      case TENSOR -> tensor(node);
      default -> null;
    };
  }

  private List<Object> items(int count) {
    hold(SEQUENCE + (long) ITEM * count);
    return new ArrayList<>(count);
  }

  /** The capacity for so many, which a hash table fills to three quarters. */
  private int entries(int count) {
    hold(CONTAINER + (long) ENTRY * count);
    return (int) Math.min(1 << 30, count + count / 3L + 1);
  }

  private Tensor tensor(int node) {
    Tensor tensor = counted(node);
    boolean parameter = document.isParameter(node);
    return parameter || count(node) > 0
        ? Tensors.keep(new Python.TensorObject(tensor, parameter))
        : tensor;
  }

  private Tensor counted(int node) {
    hold(TENSOR);
    document.work(TENSOR_WORK);
    return Tensors.keep(document.asTensor(node));
  }

  @SuppressWarnings("unchecked")
  private void finish(int node) {
    Object object = objects[node];
    int start = starts[node];
    int end = starts[node + 1];
    if (object instanceof Python.TensorObject tensor) {
      hold(CONTAINER + (long) ENTRY * count(children[start]) / 2);
      fill(tensor.attributes(), children[start]);
    } else if (object instanceof Map) {
      fill((Map<Object, Object>) object, node);
    } else if (object instanceof Set) {
      requireFewCollisions(start, 1, count(node));
      for (int i = start; i < end; i++) {
        ((Set<Object>) object).add(objects[children[i]]);
      }
    } else if (object == null) {
      objects[node] = immutable(node, Document.kind(kinds[node]));
    } else {
      List<Object> items =
          object instanceof Python.Tuple tuple ? tuple.items() : (List<Object>) object;
      for (int i = start; i < end; i++) {
        items.add(objects[children[i]]);
      }
    }
  }

  private void fill(Map<Object, Object> map, int node) {
    int entries = count(node) / 2;
    requireFewCollisions(starts[node], 2, entries);
    for (int i = 0; i < entries; i++) {
      int at = starts[node] + 2 * i;
      map.put(objects[children[at]], objects[children[at + 1]]);
    }
    if ((Map<?, ?>) map instanceof StateDict state
        && attributes(node) instanceof Map<?, ?> values) {
      state.setMetadata(values.get("_metadata"));
    }
  }

  /**
   * A HashMap compares a key to all others of its hash, unless it can sort them, and a file may
   * choose many of one: Java's hashes have no seed.
   */
  private void requireFewCollisions(int start, int stride, int count) {
    if (count <= COLLISIONS || allStrings(start, stride, count)) {
      return;
    }
    int[] hashes = new int[count];
    for (int i = 0; i < count; i++) {
      Object key = objects[children[start + i * stride]];
      hashes[i] = key == null ? 0 : key.hashCode();
    }
    Arrays.sort(hashes);
    long comparisons = 0;
    for (int first = 0, i = 1; i <= count; i++) {
      if (i == count || hashes[i] != hashes[first]) {
        long same = i - first;
        comparisons += same > COLLISIONS ? same * same : 0;
        first = i;
      }
    }
    if (comparisons > 0) {
      long heaviest = 1;
      for (int i = 0; i < count; i++) {
        heaviest = Math.max(heaviest, weight(objects[children[start + i * stride]]));
      }
      boolean fits = comparisons < Long.MAX_VALUE / heaviest;
      document.work(fits ? comparisons * heaviest : Long.MAX_VALUE);
    }
  }

  private boolean allStrings(int start, int stride, int count) {
    for (int i = 0; i < count; i++) {
      if (!(objects[children[start + i * stride]] instanceof String)) {
        return false;
      }
    }
    return true;
  }

  /** The values in a tuple, and in those in it. */
  private static long weight(Object key) {
    if (key instanceof Python.Tuple tuple) {
      return 1 + tuple.items().stream().mapToLong(DocumentReader::weight).sum();
    }
    return key instanceof Python.Size size ? size.sizes().size() : 1;
  }

  private Object immutable(int node, Kind kind) {
    hold(NUMBER);
    return switch (kind) {
      case NONE -> null;
      case BOOL -> numbers[node] != 0;
      case INT -> numbers[node];
      case BIG_INT -> new BigInteger(reversed(bytes(node)));
      case FLOAT -> Double.longBitsToDouble(numbers[node]);
      case COMPLEX -> new Python.Complex(document.real(node), document.imaginary(node));
      case STR -> Utf8.decode(bytes(node));
      case BYTES -> bytes(node);
      case BYTE_ARRAY -> new Python.ByteArray(bytes(node));
      case SIZE -> new Python.Size(sizes(node));
      case DTYPE -> new Python.Dtype(text(node));
      case DEVICE -> new Python.Device(text(node));
      case LAYOUT -> new Python.Layout(text(node));
      case ENUM -> new Python.EnumMember(text(node), objects[children[starts[node]]]);
      case OPAQUE -> new Python.Opaque(text(node));
      case SPARSE_COO, SPARSE_CSR -> counted(node);
      default -> throw new IllegalStateException("no immutable value of kind " + kind);
    };
  }

  private List<Long> sizes(int node) {
    hold((long) (NUMBER + ITEM) * count(node));
    List<Long> sizes = new ArrayList<>(count(node));
    for (int i = starts[node]; i < starts[node + 1]; i++) {
      sizes.add(numbers[children[i]]);
    }
    return sizes;
  }

  private String text(int node) {
    return Utf8.decode(bytes(node));
  }

  private byte[] bytes(int node) {
    try (BytePointer text = document.asString(node)) {
      // JavaCPP gives null for an empty string.
      byte[] bytes = text == null ? new byte[0] : text.getStringBytes();
      hold(CONTAINER + 2L * bytes.length);
      return bytes;
    }
  }

  private static byte[] reversed(byte[] littleEndian) {
    byte[] bigEndian = new byte[littleEndian.length];
    for (int i = 0; i < bigEndian.length; i++) {
      bigEndian[i] = littleEndian[littleEndian.length - 1 - i];
    }
    return bigEndian;
  }
}
