package org.cooper4j.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Document;

/**
 * Training state in {@code torch.save}'s format: Python's stock {@code torch.load(path,
 * weights_only=True)} reads what {@link #save} writes, and {@link #load} reads what Python saved.
 * {@link Python} says which Java types stand for Python's.
 *
 * <p>A file cannot run code or harm the process; what does not fit the format is refused with a
 * {@link CheckpointException} that says where and why.
 */
public final class Checkpoint {
  private final Map<String, Object> root;
  private final String path;

  private Checkpoint(Map<String, Object> root, String path) {
    this.root = root;
    this.path = path;
  }

  /**
   * Writes a checkpoint. A crash leaves the old file or the new one: it is written beside the
   * target, synced and renamed.
   *
   * @throws IllegalArgumentException naming the key whose value has no place in a checkpoint
   * @throws CheckpointException if the file cannot be written; the old one is then untouched
   */
  public static void save(Path path, Map<String, ?> state) {
    try (Document document = new Document();
        PointerScope temporaries = new PointerScope()) {
      int node = new DocumentWriter(document).write(state, "checkpoint");
      document.save(Utf8.encode(path.toString()), node);
    } catch (RuntimeException e) {
      throw CheckpointException.of(e);
    }
  }

  /** Reads a checkpoint whose top is a dict, with all tensors on the CPU. */
  public static Checkpoint load(Path path) {
    return load(path, "");
  }

  /** Reads a checkpoint whose top is a dict, with all tensors on one device. */
  public static Checkpoint load(Path path, Device device) {
    return load(path, device.str().getString());
  }

  @SuppressWarnings("unchecked")
  private static Checkpoint load(Path path, String device) {
    try (Document document = new Document(Utf8.encode(path.toString()), Utf8.encode(device))) {
      Object root = new DocumentReader(document).read(document.root());
      if (!(root instanceof Map)) {
        throw new CheckpointException(
            path + ": expected a dict at the top, found " + StateDict.describe(root), null);
      }
      return new Checkpoint((Map<String, Object>) root, "");
    } catch (RuntimeException e) {
      throw CheckpointException.ofFormat(e);
    }
  }

  /** The whole tree, or the sub-tree of a {@link #map}; mutable and independent of the file. */
  public Map<String, Object> asMap() {
    return root;
  }

  /** Whether there is such a key here. */
  public boolean has(String key) {
    return root.containsKey(key);
  }

  /** The dict of that name. */
  @SuppressWarnings("unchecked")
  public Checkpoint map(String key) {
    return new Checkpoint((Map<String, Object>) get(key, Map.class, "a dict"), path + key + ".");
  }

  /** The list of that name. */
  @SuppressWarnings("unchecked")
  public List<Object> list(String key) {
    return (List<Object>) get(key, List.class, "a list");
  }

  /** The tensor of that name. */
  public Tensor tensor(String key) {
    return get(key, Tensor.class, "a tensor");
  }

  /** The int of that name. */
  public long integer(String key) {
    return get(key, Long.class, "an int");
  }

  /** The float, or int, of that name. */
  public double number(String key) {
    return get(key, Number.class, "a number").doubleValue();
  }

  /** The str of that name. */
  public String string(String key) {
    return get(key, String.class, "a str");
  }

  private <T> T get(String key, Class<T> type, String expected) {
    Object value = root.get(key);
    if (!type.isInstance(value)) {
      throw new IllegalArgumentException(
          path + key + ": expected " + expected + ", found " + StateDict.describe(value));
    }
    return type.cast(value);
  }
}
