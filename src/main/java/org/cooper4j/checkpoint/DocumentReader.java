package org.cooper4j.checkpoint;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Document;
import org.cooper4j.internal.Document.Kind;
import org.cooper4j.internal.Tensors;

/**
 * Makes Java objects of a document's nodes, one object a node, so that shared and recursive
 * containers stay what they are. It walks with a stack of its own: a file cannot exhaust Java's.
 */
final class DocumentReader {
  private static final Object PENDING = new Object();

  private final Document document;
  private final Object[] objects;

  DocumentReader(Document document) {
    this.document = document;
    this.objects = new Object[document.nodeCount()];
    Arrays.fill(objects, PENDING);
  }

  Object read(int root) {
    Deque<Integer> stack = new ArrayDeque<>();
    boolean[] opened = new boolean[objects.length];
    stack.push(root);
    while (!stack.isEmpty()) {
      int node = stack.peek();
      Kind kind = document.kind(node);
      if (!opened[node]) {
        opened[node] = true;
        objects[node] = shell(node, kind);
        for (int child : children(node, kind)) {
          if (!opened[child]) {
            stack.push(child);
          }
        }
      } else {
        stack.pop();
        finish(node, kind);
      }
    }
    return objects[root];
  }

  /** What was made of a node below one that was read. */
  Object made(int node) {
    return objects[node];
  }

  private Object shell(int node, Kind kind) {
    return switch (kind) {
      case LIST -> new ArrayList<>();
      case TUPLE -> new Python.Tuple(new ArrayList<>());
      case SET -> new LinkedHashSet<>();
      case DICT, DEFAULT_DICT -> new LinkedHashMap<>();
      case ORDERED_DICT -> new StateDict();
      case COUNTER -> new Python.Counter();
      case TENSOR -> tensor(node);
      default -> PENDING;
    };
  }

  private Tensor tensor(int node) {
    Tensor tensor = Tensors.keep(document.asTensor(node));
    boolean parameter = document.isParameter(node);
    return parameter || document.attrs(node) >= 0
        ? Tensors.keep(new Python.TensorObject(tensor, parameter))
        : tensor;
  }

  private int[] children(int node, Kind kind) {
    return switch (kind) {
      case LIST, TUPLE, SET -> {
        int[] items = new int[document.size(node)];
        Arrays.setAll(items, i -> document.item(node, i));
        yield items;
      }
      case DICT, DEFAULT_DICT, ORDERED_DICT, COUNTER -> {
        int size = document.size(node);
        int attrs = document.attrs(node);
        int[] entries = new int[2 * size + (attrs < 0 ? 0 : 1)];
        for (int i = 0; i < size; i++) {
          entries[2 * i] = document.key(node, i);
          entries[2 * i + 1] = document.value(node, i);
        }
        if (attrs >= 0) {
          entries[2 * size] = attrs;
        }
        yield entries;
      }
      case ENUM -> new int[] {document.enumValue(node)};
      case TENSOR -> document.attrs(node) < 0 ? new int[0] : new int[] {document.attrs(node)};
      default -> new int[0];
    };
  }

  @SuppressWarnings("unchecked")
  private void finish(int node, Kind kind) {
    Object object = objects[node];
    switch (kind) {
      case LIST, SET -> fill((Collection<Object>) object, node, kind);
      case TUPLE -> fill(((Python.Tuple) object).items(), node, kind);
      case DICT, DEFAULT_DICT, ORDERED_DICT, COUNTER -> fill((Map<Object, Object>) object, node);
      case TENSOR -> {
        if (object instanceof Python.TensorObject tensor && document.attrs(node) >= 0) {
          fill(tensor.attributes(), document.attrs(node));
        }
      }
      default -> {
        if (object == PENDING) {
          objects[node] = immutable(node, kind);
        }
      }
    }
  }

  private void fill(Collection<Object> items, int node, Kind kind) {
    if (items.isEmpty()) {
      for (int child : children(node, kind)) {
        items.add(objects[child]);
      }
    }
  }

  private void fill(Map<Object, Object> map, int node) {
    for (int i = 0; i < document.size(node); i++) {
      map.put(objects[document.key(node, i)], objects[document.value(node, i)]);
    }
    int attrs = document.kind(node) == Kind.ORDERED_DICT ? document.attrs(node) : -1;
    if (attrs >= 0
        && (Map<?, ?>) map instanceof StateDict state
        && objects[attrs] instanceof Map<?, ?> values) {
      state.setMetadata(values.get("_metadata"));
    }
  }

  private Object immutable(int node, Kind kind) {
    return switch (kind) {
      case NONE -> null;
      case BOOL -> document.asBool(node);
      case INT -> document.asInt(node);
      case BIG_INT -> new BigInteger(reversed(bytes(node)));
      case FLOAT -> document.asDouble(node);
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
      case SPARSE_COO, SPARSE_CSR -> Tensors.keep(document.asTensor(node));
      default -> throw new IllegalStateException("no immutable value of kind " + kind);
    };
  }

  private List<Long> sizes(int node) {
    List<Long> sizes = new ArrayList<>();
    for (int i = 0; i < document.size(node); i++) {
      sizes.add(document.asInt(document.item(node, i)));
    }
    return sizes;
  }

  private String text(int node) {
    return Utf8.decode(bytes(node));
  }

  private byte[] bytes(int node) {
    try (BytePointer text = document.asString(node)) {
      // JavaCPP gives null for an empty string.
      return text == null ? new byte[0] : text.getStringBytes();
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
