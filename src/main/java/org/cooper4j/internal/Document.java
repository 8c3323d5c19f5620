package org.cooper4j.internal;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.ByVal;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.annotation.StdString;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Tensor;

/**
 * A Python object graph outside the heap: cooper4j::jni::Document. Nodes are small integers; texts
 * cross as UTF-8 with lone surrogates encoded.
 */
@Properties(inherit = Native.class)
@Namespace("cooper4j::jni")
@SuppressWarnings("EnumOrdinal") // the native layer knows the kinds by number
public final class Document extends Pointer {
  /** In the order of cooper4j::Kind. */
  public enum Kind {
    NONE,
    BOOL,
    INT,
    BIG_INT,
    FLOAT,
    COMPLEX,
    STR,
    BYTES,
    BYTE_ARRAY,
    LIST,
    TUPLE,
    SET,
    DICT,
    ORDERED_DICT,
    COUNTER,
    DEFAULT_DICT,
    SIZE,
    DTYPE,
    DEVICE,
    LAYOUT,
    ENUM,
    TENSOR,
    SPARSE_COO,
    SPARSE_CSR,
    OPAQUE
  }

  private static final Kind[] KINDS = Kind.values();

  static {
    Native.load();
  }

  /** An empty document. */
  public Document() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  /** LoadOptions::limit of the loads that follow. */
  @Name("set_limit")
  public native void setLimit(long limit);

  /** Reads a checkpoint; tensors go to {@code device}, or stay on the CPU if it is empty. */
  public void load(byte[] path, byte[] device, boolean opaque) {
    load(path, path.length, device, device.length, opaque);
  }

  private native void load(
      @Cast("const char*") byte[] path,
      long n,
      @Cast("const char*") byte[] device,
      long m,
      @Cast("bool") boolean opaque);

  /** Takes the next bytes of a file, for {@link #loadFed}. */
  public native void feed(@Cast("const char*") byte[] bytes, long n);

  /** Reads a checkpoint from what was fed. */
  public void loadFed(byte[] device, boolean opaque) {
    loadFed(device, device.length, opaque);
  }

  @Name("load_fed")
  private native void loadFed(
      @Cast("const char*") byte[] device, long m, @Cast("bool") boolean opaque);

  /** Writes the graph below {@code root} into memory, for {@link #drain}. */
  @Name("save_bytes")
  public native void saveBytes(int root);

  /** Fills the array with the next bytes; how many they are, 0 at the end. */
  public long drain(byte[] bytes) {
    return drain(bytes, bytes.length);
  }

  private native long drain(@Cast("char*") byte[] bytes, long n);

  /** Writes the graph below {@code root} as torch.save does. */
  public void save(byte[] path, int root) {
    save(path, path.length, root);
  }

  private native void save(@Cast("const char*") byte[] path, long n, int root);

  /** Reads a safetensors file in place of what was there. */
  public void loadSafetensors(byte[] path, byte[] device) {
    loadSafetensors(path, path.length, device, device.length);
  }

  @Name("load_safetensors")
  private native void loadSafetensors(
      @Cast("const char*") byte[] path, long n, @Cast("const char*") byte[] device, long m);

  /** Writes the dict {@code root} as safetensors. */
  public void saveSafetensors(byte[] path, int root) {
    saveSafetensors(path, path.length, root);
  }

  @Name("save_safetensors")
  private native void saveSafetensors(@Cast("const char*") byte[] path, long n, int root);

  /** Reads a safetensors file from what was fed. */
  public void loadFedSafetensors(byte[] device) {
    loadFedSafetensors(device, device.length);
  }

  @Name("load_fed_safetensors")
  private native void loadFedSafetensors(@Cast("const char*") byte[] device, long m);

  /** Writes the dict {@code root} as safetensors into memory, for {@link #drain}. */
  @Name("save_safetensors_bytes")
  public native void saveSafetensorsBytes(int root);

  /** Counts steps of work on what was read; throws when the file may not cost that much. */
  public native void work(long steps);

  /** Counts bytes of memory likewise. */
  public native void hold(long bytes);

  public native int root();

  public static Kind kind(byte ordinal) {
    return KINDS[ordinal];
  }

  /** The kinds of all nodes, for {@link #kind}. */
  public byte[] kinds() {
    byte[] kinds = new byte[nodeCount()];
    kinds(kinds);
    return kinds;
  }

  private native void kinds(@Cast("signed char*") byte[] kinds);

  /** Of every node the bool, int or bits of the float, where it is one. */
  public long[] numbers() {
    long[] numbers = new long[nodeCount()];
    numbers(numbers);
    return numbers;
  }

  private native void numbers(@Cast("int64_t*") long[] numbers);

  @Name("node_count")
  public native int nodeCount();

  public native double real(int node);

  public native double imaginary(int node);

  @Name("as_string")
  public native @StdString BytePointer asString(int node);

  /** How many children all nodes have together. */
  @Name("child_count")
  public native long childCount();

  /**
   * The children of all nodes: the items of a list, tuple, set or size; key, value, key, … and the
   * {@code __dict__} of a dict; a tensor's {@code __dict__}; an enum's value. Those of a node start
   * at {@code starts[node]} and end at {@code starts[node + 1]}.
   */
  public native void children(int[] starts, int[] children);

  @Name("is_parameter")
  public native @Cast("bool") boolean isParameter(int node);

  @Name("as_tensor")
  public native @ByVal Tensor asTensor(int node);

  public native int none();

  public native int boolean_(@Cast("bool") boolean value);

  public native int integer(long value);

  public native int number(double value);

  public native int complex(double real, double imaginary);

  /** A str, bytes, bytearray, big int, dtype, device or layout, by its {@code Kind}. */
  public int text(Kind kind, byte[] text) {
    return text(kind.ordinal(), text, text.length);
  }

  private native int text(int kind, @Cast("const char*") byte[] text, long n);

  /** An empty list, set or dict of some kind. */
  public int container(Kind kind) {
    return container(kind.ordinal());
  }

  private native int container(int kind);

  public int tuple(int[] items) {
    return tuple(items, items.length);
  }

  private native int tuple(@Const int[] items, int n);

  public int sizes(long[] sizes) {
    return sizes(sizes, sizes.length);
  }

  private native int sizes(@Cast("const int64_t*") long[] sizes, int n);

  public int enumeration(byte[] className, int value) {
    return enumeration(className, className.length, value);
  }

  private native int enumeration(@Cast("const char*") byte[] className, long n, int value);

  public native int tensor(@Const @ByRef Tensor tensor, @Cast("bool") boolean parameter);

  public native void append(int sequence, int item);

  /** Appends floats to a list. */
  @Name("append_numbers")
  public native void appendNumbers(int list, @Const double[] values, int n);

  /** Appends ints to a list. */
  @Name("append_integers")
  public native void appendIntegers(int list, @Cast("const int64_t*") long[] values, int n);

  public native void put(int dict, int key, int value);

  @Name("set_attrs")
  public native void setAttrs(int node, int dict);

  @Name("optimizer_state")
  public native int optimizerState(@Const @ByRef Optimizer optimizer, @Cast("bool") boolean dual);

  @Name("load_optimizer_state")
  public native void loadOptimizerState(
      @ByRef Optimizer optimizer, int state, @Cast("bool") boolean dual, @Cast("bool") boolean dry);
}
