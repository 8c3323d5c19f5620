package org.cooper4j.checkpoint;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Document;
import org.cooper4j.internal.Document.Kind;

/** Makes a document's nodes of Java objects, one node an object, so that identity is kept. */
final class DocumentWriter {
  private static final int MAX_DEPTH = 1000;
  private static final int RUN = 1 << 14;

  private final Document document;
  private final IdentityHashMap<Object, Integer> nodes = new IdentityHashMap<>();
  private int depth;

  DocumentWriter(Document document) {
    this.document = document;
  }

  /**
   * Where a value stands: put into words for an error alone, since a large key that many values
   * stand under would cost each of them its length.
   *
   * @param step a key of a map, an Integer for a place in a list, or a String for the rest
   */
  private record Place(Place parent, Object step, boolean isKey) {
    private static final int MOST = 60;

    static Place of(String root) {
      return new Place(null, root, false);
    }

    Place at(int i) {
      return new Place(this, i, false);
    }

    Place key(Object key) {
      return new Place(this, key, true);
    }

    Place part(String name) {
      return new Place(this, name, false);
    }

    @Override
    public String toString() {
      Deque<String> steps = new ArrayDeque<>();
      for (Place place = this; place != null; place = place.parent) {
        steps.addFirst(place.words());
      }
      return String.join("", steps);
    }

    private String words() {
      if (!isKey) {
        return step instanceof Integer ? "[" + step + "]" : (String) step;
      }
      if (step instanceof String || step instanceof Number || step instanceof Boolean) {
        String text = step.toString();
        return "." + (text.length() > MOST ? text.substring(0, MOST) + "…" : text);
      }
      return "." + (step == null ? "None" : "(" + step.getClass().getSimpleName() + ")");
    }
  }

  /**
   * The node of a value.
   *
   * @param root what the value is called in errors
   */
  int write(Object value, String root) {
    return write(value, Place.of(root));
  }

  /** Floats and ints are many, and have no identity to keep. */
  private int write(Object value, Place path) {
    if (value == null) {
      return document.none();
    } else if (value instanceof Double number) {
      return document.number(number);
    } else if (value instanceof Long integer) {
      return document.integer(integer);
    }
    Integer known = nodes.get(value);
    if (known != null) {
      return known;
    }
    if (++depth > MAX_DEPTH) {
      throw new IllegalArgumentException(path + ": nested more than " + MAX_DEPTH + " levels deep");
    }
    int node = make(value, path);
    depth--;
    nodes.put(value, node);
    return node;
  }

  private int make(Object value, Place path) {
    if (value instanceof Python.TensorObject tensor) {
      return tensorObject(tensor, path);
    } else if (value instanceof Tensor tensor) {
      return document.tensor(tensor, false);
    } else if (value instanceof String text) {
      return document.text(Kind.STR, Utf8.encode(text));
    } else if (value instanceof Float number) {
      return document.number(number);
    } else if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
      return document.integer(((Number) value).longValue());
    } else if (value instanceof Boolean bool) {
      return document.boolean_(bool);
    } else if (value instanceof Map<?, ?> map) {
      return map(map, path);
    } else if (value instanceof Set<?> items) {
      int node = container(value, Kind.SET);
      int i = 0;
      for (Object item : items) {
        document.append(node, write(item, path.at(i++)));
      }
      return node;
    } else if (value instanceof Collection<?> items) {
      return list(items, path);
    } else if (value instanceof BigInteger integer) {
      return document.text(Kind.BIG_INT, reversed(integer.toByteArray()));
    } else if (value instanceof byte[] bytes) {
      return document.text(Kind.BYTES, bytes);
    }
    return python(value, path);
  }

  private int python(Object value, Place path) {
    if (value instanceof Python.Tuple tuple) {
      int[] items = new int[tuple.items().size()];
      for (int i = 0; i < items.length; i++) {
        items[i] = write(tuple.items().get(i), path.at(i));
      }
      return document.tuple(items);
    } else if (value instanceof Python.Complex complex) {
      return document.complex(complex.real(), complex.imaginary());
    } else if (value instanceof Python.ByteArray array) {
      return document.text(Kind.BYTE_ARRAY, array.bytes());
    } else if (value instanceof Python.Size size) {
      return document.sizes(size.sizes().stream().mapToLong(Long::longValue).toArray());
    } else if (value instanceof Python.Dtype dtype) {
      return document.text(Kind.DTYPE, Utf8.encode(dtype.name()));
    } else if (value instanceof Python.Device device) {
      return document.text(Kind.DEVICE, Utf8.encode(device.name()));
    } else if (value instanceof Python.Layout layout) {
      return document.text(Kind.LAYOUT, Utf8.encode(layout.name()));
    } else if (value instanceof Python.EnumMember member) {
      int inner = write(member.value(), path);
      return document.enumeration(Utf8.encode(member.className()), inner);
    }
    if (value instanceof Python.Opaque opaque) {
      throw new IllegalArgumentException(
          path
              + ": an object of "
              + opaque.className()
              + ", of which nothing but the class is known; leave it out");
    }
    throw new IllegalArgumentException(
        path
            + ": "
            + value.getClass().getTypeName()
            + " cannot be saved; use maps, lists, tensors, strings, numbers, or the records of "
            + Python.class.getSimpleName());
  }

  private int tensorObject(Python.TensorObject tensor, Place path) {
    int node = document.tensor(tensor, tensor.isParameter());
    nodes.put(tensor, node);
    if (!tensor.attributes().isEmpty()) {
      document.setAttrs(node, write(tensor.attributes(), path.part(".__dict__")));
    }
    return node;
  }

  /** Numbers go in runs: they are many, and have no identity to keep. */
  private int list(Collection<?> items, Place path) {
    int node = container(items, Kind.LIST);
    double[] numbers = new double[Math.max(1, Math.min(RUN, items.size()))];
    long[] integers = new long[numbers.length];
    int floats = 0;
    int ints = 0;
    int i = 0;
    for (Object item : items) {
      boolean number = item instanceof Double;
      boolean integer = item instanceof Long;
      if (floats == numbers.length || (floats > 0 && !number)) {
        document.appendNumbers(node, numbers, floats);
        floats = 0;
      }
      if (ints == integers.length || (ints > 0 && !integer)) {
        document.appendIntegers(node, integers, ints);
        ints = 0;
      }
      if (number) {
        numbers[floats++] = (Double) item;
      } else if (integer) {
        integers[ints++] = (Long) item;
      } else {
        document.append(node, write(item, path.at(i)));
      }
      i++;
    }
    document.appendNumbers(node, numbers, floats);
    document.appendIntegers(node, integers, ints);
    return node;
  }

  private int map(Map<?, ?> map, Place path) {
    Kind kind = Kind.DICT;
    if (map instanceof StateDict) {
      kind = Kind.ORDERED_DICT;
    } else if (map instanceof Python.Counter) {
      kind = Kind.COUNTER;
    }
    int node = container(map, kind);
    map.forEach(
        (key, item) ->
            document.put(node, write(key, path.part(" (key)")), write(item, path.key(key))));
    if (map instanceof StateDict state && state.metadata() != null) {
      int attrs = document.container(Kind.DICT);
      document.put(
          attrs, write("_metadata", path), write(state.metadata(), path.part("._metadata")));
      document.setAttrs(node, attrs);
    }
    return node;
  }

  /** Registered before it is filled: a container may hold itself. */
  private int container(Object value, Kind kind) {
    int node = document.container(kind);
    nodes.put(value, node);
    return node;
  }

  private static byte[] reversed(byte[] bigEndian) {
    byte[] littleEndian = new byte[bigEndian.length];
    for (int i = 0; i < littleEndian.length; i++) {
      littleEndian[i] = bigEndian[bigEndian.length - 1 - i];
    }
    return littleEndian;
  }
}
