package org.cooper4j.checkpoint;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
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
  private static final int NODE = 14; // this class's own arrays
  private static final int NUMBER = 16;
  private static final int ITEM = 4;
  private static final int ENTRY = 48;
  private static final int CONTAINER = 64;
  private static final int TENSOR = 700;
  private static final int TENSOR_WORK = 500;
  private static final int COLLISIONS = 8; // keys of one hash that a HashMap keeps in a list
  private static final int PIECE = 1 << 16;
  private static final int[] NONE = {};

  private final Document document;
  private final Object[] objects;
  private final byte[] kinds;
  private final long[] numbers;
  private long held;

  DocumentReader(Document document) {
    this.document = document;
    document.hold((long) NODE * document.nodeCount());
    this.objects = new Object[document.nodeCount()];
    this.kinds = document.kinds();
    this.numbers = document.numbers();
  }

  /** A container whose children are being read. */
  private static final class Frame {
    final int node;
    final int[] children;
    int next;

    Frame(int node, int[] children) {
      this.node = node;
      this.children = children;
    }
  }

  Object read(int root) {
    Deque<Frame> stack = new ArrayDeque<>();
    boolean[] opened = new boolean[objects.length];
    open(root, opened, stack);
    while (!stack.isEmpty()) {
      Frame frame = stack.peek();
      if (frame.next < frame.children.length) {
        open(frame.children[frame.next++], opened, stack);
      } else {
        stack.pop();
        finish(frame);
      }
    }
    document.hold(held);
    held = 0;
    return objects[root];
  }

  /** What was made of a node below one that was read. */
  Object made(int node) {
    return objects[node];
  }

  private void open(int node, boolean[] opened, Deque<Frame> stack) {
    if (opened[node]) {
      return;
    }
    opened[node] = true;
    Kind kind = Document.kind(kinds[node]);
    objects[node] = shell(node, kind);
    int[] children = children(node, kind);
    if (children.length > 0) {
      stack.push(new Frame(node, children));
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

  private Object shell(int node, Kind kind) {
    Object shell =
        switch (kind) {
          case LIST -> new ArrayList<>();
          case TUPLE -> new Python.Tuple(new ArrayList<>());
          case SET -> new LinkedHashSet<>();
          case DICT, DEFAULT_DICT -> new LinkedHashMap<>();
          case ORDERED_DICT -> new StateDict();
          case COUNTER -> new Python.Counter();
          case TENSOR -> tensor(node);
          default -> null;
        };
    if (shell != null) {
      hold(CONTAINER);
    }
    return shell;
  }

  private Tensor tensor(int node) {
    Tensor tensor = counted(node);
    boolean parameter = document.isParameter(node);
    return parameter || document.attrs(node) >= 0
        ? Tensors.keep(new Python.TensorObject(tensor, parameter))
        : tensor;
  }

  private Tensor counted(int node) {
    hold(TENSOR);
    document.work(TENSOR_WORK);
    return Tensors.keep(document.asTensor(node));
  }

  private int[] children(int node, Kind kind) {
    return switch (kind) {
      case LIST, TUPLE, SET -> document.items(node, document.size(node));
      case DICT, DEFAULT_DICT, ORDERED_DICT, COUNTER -> {
        int size = document.size(node);
        int attrs = document.attrs(node);
        int[] entries = document.items(node, 2 * size);
        if (attrs >= 0) {
          entries = Arrays.copyOf(entries, 2 * size + 1);
          entries[2 * size] = attrs;
        }
        yield entries;
      }
      case ENUM -> new int[] {document.enumValue(node)};
      case TENSOR -> document.attrs(node) < 0 ? NONE : new int[] {document.attrs(node)};
      default -> NONE;
    };
  }

  @SuppressWarnings("unchecked")
  private void finish(Frame frame) {
    Object object = objects[frame.node];
    int[] children = frame.children;
    if (object instanceof Python.TensorObject tensor) {
      int attrs = children[0];
      fill(tensor.attributes(), attrs, children(attrs, Document.kind(kinds[attrs])));
    } else if (object instanceof Map) {
      fill((Map<Object, Object>) object, frame.node, children);
    } else if (object instanceof Set) {
      requireFewCollisions(children, 1, children.length);
      hold((long) ENTRY * children.length);
      for (int child : children) {
        ((Set<Object>) object).add(objects[child]);
      }
    } else if (object == null) {
      objects[frame.node] = immutable(frame.node, Document.kind(kinds[frame.node]));
    } else {
      hold((long) ITEM * children.length);
      List<Object> items =
          object instanceof Python.Tuple tuple ? tuple.items() : (List<Object>) object;
      ((ArrayList<Object>) items).ensureCapacity(children.length);
      for (int child : children) {
        items.add(objects[child]);
      }
    }
  }

  private void fill(Map<Object, Object> map, int node, int[] children) {
    int entries = children.length / 2;
    requireFewCollisions(children, 2, entries);
    hold((long) ENTRY * entries);
    for (int i = 0; i < entries; i++) {
      map.put(objects[children[2 * i]], objects[children[2 * i + 1]]);
    }
    if (children.length > 2 * entries
        && (Map<?, ?>) map instanceof StateDict state
        && objects[children[2 * entries]] instanceof Map<?, ?> values) {
      state.setMetadata(values.get("_metadata"));
    }
  }

  /**
   * A HashMap compares a key to all others of its hash, unless it can sort them, and a file may
   * choose many of one: Java's hashes have no seed.
   */
  private void requireFewCollisions(int[] nodes, int stride, int count) {
    if (count <= COLLISIONS || allStrings(nodes, stride, count)) {
      return;
    }
    int[] hashes = new int[count];
    for (int i = 0; i < count; i++) {
      Object key = objects[nodes[i * stride]];
      hashes[i] = key == null ? 0 : key.hashCode();
    }
    Arrays.sort(hashes);
    long comparisons = 0;
    for (int start = 0, i = 1; i <= count; i++) {
      if (i == count || hashes[i] != hashes[start]) {
        long same = i - start;
        comparisons += same > COLLISIONS ? same * same : 0;
        start = i;
      }
    }
    if (comparisons > 0) {
      long heaviest = 1;
      for (int i = 0; i < count; i++) {
        heaviest = Math.max(heaviest, weight(objects[nodes[i * stride]]));
      }
      boolean fits = comparisons < Long.MAX_VALUE / heaviest;
      document.work(fits ? comparisons * heaviest : Long.MAX_VALUE);
    }
  }

  private boolean allStrings(int[] nodes, int stride, int count) {
    for (int i = 0; i < count; i++) {
      if (!(objects[nodes[i * stride]] instanceof String)) {
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
      case ENUM -> new Python.EnumMember(text(node), objects[document.enumValue(node)]);
      case OPAQUE -> new Python.Opaque(text(node));
      case SPARSE_COO, SPARSE_CSR -> counted(node);
      default -> throw new IllegalStateException("no immutable value of kind " + kind);
    };
  }

  private List<Long> sizes(int node) {
    int[] items = document.items(node, document.size(node));
    hold((long) (NUMBER + ITEM) * items.length);
    List<Long> sizes = new ArrayList<>(items.length);
    for (int item : items) {
      sizes.add(numbers[item]);
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
