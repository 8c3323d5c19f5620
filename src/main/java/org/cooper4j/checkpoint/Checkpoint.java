package org.cooper4j.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Document;

/**
 * Training state in {@code torch.save}'s format: Python's stock {@code torch.load(path,
 * weights_only=True)} reads what {@link #save} writes, and {@link #load} reads what Python saved,
 * also in the format before torch 1.6. {@link Python} says which Java types stand for Python's.
 *
 * <p>A file cannot run code or harm the process; what does not fit the format is refused with a
 * {@link CheckpointException} that says where and why.
 *
 * <p>A Checkpoint is the whole tree, or what is below {@link #map} or {@link #at}. Text names the
 * keys of a dict, a number its int keys or the place in a list or tuple.
 */
public final class Checkpoint {
  private final Object root;
  private final String path;

  private Checkpoint(Object root, String path) {
    this.root = root;
    this.path = path;
  }

  /**
   * Writes a checkpoint. A crash leaves the old file or the new one: it is written beside the
   * target, synced and renamed.
   *
   * @param state a map, mostly; anything that {@link Python} lists
   * @throws IllegalArgumentException naming the key whose value has no place in a checkpoint
   * @throws CheckpointException if the file cannot be written; the old one is then untouched
   */
  public static void save(Path path, Object state) {
    boolean here = Transfer.isNative(path);
    save(
        state,
        (document, node) -> {
          if (here) {
            document.save(Utf8.encode(path.toString()), node);
          } else {
            document.saveBytes(node);
            Transfer.drain(document, path);
          }
        });
  }

  /**
   * Writes a checkpoint to a stream, which stays open. The file is in memory before the first byte
   * goes out.
   *
   * @throws IllegalArgumentException naming the key whose value has no place in a checkpoint
   * @throws CheckpointException if the stream cannot be written
   */
  public static void save(OutputStream out, Object state) {
    save(
        state,
        (document, node) -> {
          document.saveBytes(node);
          Transfer.drain(document, out);
        });
  }

  /**
   * The file of a checkpoint, in memory, which {@link #load(byte[], LoadOptions)} reads.
   *
   * @throws IllegalArgumentException naming the key whose value has no place in a checkpoint
   */
  public static byte[] bytes(Object state) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    save(out, state);
    return out.toByteArray();
  }

  private static void save(Object state, Transfer.Save sink) {
    try (Document document = new Document();
        PointerScope temporaries = new PointerScope()) {
      sink.run(document, new DocumentWriter(document).write(state, "checkpoint"));
    } catch (IOException e) {
      throw new CheckpointException(e.toString(), e);
    } catch (RuntimeException e) {
      throw CheckpointException.of(e);
    }
  }

  /** What {@link #load} would give of a state, but with the objects themselves. */
  public static Checkpoint of(Object state) {
    return new Checkpoint(state, "");
  }

  /** Reads a checkpoint, with all tensors on the CPU. */
  public static Checkpoint load(Path path) {
    return load(path, new LoadOptions());
  }

  /** Reads a checkpoint, with all tensors on one device. */
  public static Checkpoint load(Path path, Device device) {
    return load(path, new LoadOptions().device(device));
  }

  /** Reads a checkpoint. */
  public static Checkpoint load(Path path, LoadOptions options) {
    if (Transfer.isNative(path)) {
      return read(
          document -> {
            document.setLimit(options.limit());
            document.load(Utf8.encode(path.toString()), options.device(), options.opaque());
          });
    }
    return read(document -> Transfer.feed(document, path), options);
  }

  /** Reads a checkpoint that is in memory. */
  public static Checkpoint load(byte[] file, LoadOptions options) {
    return load(ByteBuffer.wrap(file), options);
  }

  /** Reads a checkpoint between the buffer's position and limit, which stay. */
  public static Checkpoint load(ByteBuffer file, LoadOptions options) {
    return read(document -> Transfer.feed(document, file), options);
  }

  /** Reads a checkpoint from a stream, to its end; it stays open. */
  public static Checkpoint load(InputStream in, LoadOptions options) {
    return read(document -> Transfer.feed(document, in), options);
  }

  private static Checkpoint read(Transfer.Load feed, LoadOptions options) {
    return read(
        document -> {
          feed.run(document);
          document.setLimit(options.limit());
          document.loadFed(options.device(), options.opaque());
        });
  }

  private static Checkpoint read(Transfer.Load load) {
    try (Document document = new Document()) {
      load.run(document);
      return new Checkpoint(new DocumentReader(document).read(document.root()), "");
    } catch (IOException e) {
      throw new CheckpointException(e.toString(), e);
    } catch (RuntimeException e) {
      throw CheckpointException.ofFormat(e);
    }
  }

  /** The value itself: a map, a list, a tensor, null, …; mutable and independent of the file. */
  public Object root() {
    return root;
  }

  /**
   * The dict. Its keys are strings, unless it is one with int keys, such as an optimizer's {@code
   * state}, which {@link #root} gives with the type that it has.
   *
   * @throws IllegalArgumentException if it is no dict
   */
  @SuppressWarnings("unchecked")
  public Map<String, Object> asMap() {
    if (!(root instanceof Map)) {
      String here = path.isEmpty() ? "the top" : path;
      throw new IllegalArgumentException(
          here + ": expected a dict, found " + StateDict.describe(root));
    }
    return (Map<String, Object>) root;
  }

  /** Whether there is such a key here. */
  public boolean has(String key) {
    return root instanceof Map<?, ?> map && map.containsKey(key);
  }

  /** What has that name, whatever it is. */
  public Checkpoint at(String key) {
    return new Checkpoint(get(key, Object.class, "a value"), path(key));
  }

  /** What stands at that place of a list or tuple, or has that int as its key. */
  public Checkpoint at(long key) {
    return new Checkpoint(get(key, Object.class, "a value"), path(key));
  }

  /** The dict of that name. */
  public Checkpoint map(String key) {
    return new Checkpoint(get(key, Map.class, "a dict"), path(key));
  }

  /** The dict at that place. */
  public Checkpoint map(long key) {
    return new Checkpoint(get(key, Map.class, "a dict"), path(key));
  }

  /** The list of that name. */
  @SuppressWarnings("unchecked")
  public List<Object> list(String key) {
    return (List<Object>) get(key, List.class, "a list");
  }

  /** The list at that place. */
  @SuppressWarnings("unchecked")
  public List<Object> list(long key) {
    return (List<Object>) get(key, List.class, "a list");
  }

  /** The tensor of that name. */
  public Tensor tensor(String key) {
    return get(key, Tensor.class, "a tensor");
  }

  /** The tensor at that place. */
  public Tensor tensor(long key) {
    return get(key, Tensor.class, "a tensor");
  }

  /** The int of that name. */
  public long integer(String key) {
    return get(key, Long.class, "an int");
  }

  /** The int at that place. */
  public long integer(long key) {
    return get(key, Long.class, "an int");
  }

  /** The float, or int, of that name. */
  public double number(String key) {
    return get(key, Number.class, "a number").doubleValue();
  }

  /** The float, or int, at that place. */
  public double number(long key) {
    return get(key, Number.class, "a number").doubleValue();
  }

  /** The str of that name. */
  public String string(String key) {
    return get(key, String.class, "a str");
  }

  /** The str at that place. */
  public String string(long key) {
    return get(key, String.class, "a str");
  }

  private String path(Object key) {
    String dot = path.isEmpty() ? "" : ".";
    return path + (key instanceof Long ? "[" + key + "]" : dot + key);
  }

  private <T> T get(Object key, Class<T> type, String expected) {
    Object value = null;
    if (root instanceof Map<?, ?> map) {
      value = map.get(key);
    } else if (items() != null && key instanceof Long at && at >= 0 && at < items().size()) {
      value = items().get(at.intValue());
    }
    if (!type.isInstance(value)) {
      throw new IllegalArgumentException(
          path(key) + ": expected " + expected + ", found " + StateDict.describe(value));
    }
    return type.cast(value);
  }

  private List<?> items() {
    return root instanceof Python.Tuple tuple
        ? tuple.items()
        : root instanceof List<?> l ? l : null;
  }
}
