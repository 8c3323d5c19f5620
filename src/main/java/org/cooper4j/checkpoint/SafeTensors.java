package org.cooper4j.checkpoint;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.internal.Document;
import org.cooper4j.internal.Document.Kind;

/**
 * Tensors by name in the safetensors format, which Python's package {@code safetensors} and others
 * read and write: weights or multipliers, without optimizer state.
 *
 * @param tensors dense tensors by name, on the CPU when loaded
 * @param metadata the file's {@code __metadata__}; empty if it has none
 */
public record SafeTensors(Map<String, Tensor> tensors, Map<String, String> metadata) {
  private static final String METADATA = "safetensors_metadata";

  /** Tensors without metadata, such as {@code StateDict.of(model)} has them. */
  @SuppressWarnings("unchecked")
  public static SafeTensors of(Map<String, ?> tensors) {
    tensors.forEach(
        (name, value) -> {
          if (!(value instanceof Tensor)) {
            throw new IllegalArgumentException(
                name + ": expected a tensor, found " + StateDict.describe(value));
          }
        });
    return new SafeTensors((Map<String, Tensor>) tensors, Map.of());
  }

  /**
   * Reads a file. Header, offsets and sizes are checked before memory is taken.
   *
   * @throws CheckpointException saying where the file breaks the format
   */
  @SuppressWarnings("unchecked")
  public static SafeTensors load(Path path) {
    try (Document document = new Document();
        PointerScope temporaries = new PointerScope()) {
      document.loadSafetensors(Utf8.encode(path.toString()));
      DocumentReader reader = new DocumentReader(document);
      Map<String, Tensor> tensors =
          new LinkedHashMap<>((Map<String, Tensor>) reader.read(document.root()));
      int attrs = document.attrs(document.root());
      Map<String, String> metadata =
          attrs < 0
              ? Map.of()
              : (Map<String, String>) ((Map<?, ?>) reader.made(attrs)).get(METADATA);
      return new SafeTensors(tensors, metadata);
    } catch (RuntimeException e) {
      throw CheckpointException.ofFormat(e);
    }
  }

  /**
   * Writes a file, as crash-safe as {@link Checkpoint#save}. Strided and shared tensors are written
   * out contiguous, each on its own.
   *
   * @throws CheckpointException naming the tensor whose dtype the format lacks, or saying why the
   *     file cannot be written; an old one is then untouched
   */
  public void save(Path path) {
    try (Document document = new Document();
        PointerScope temporaries = new PointerScope()) {
      DocumentWriter writer = new DocumentWriter(document);
      StateDict state = new StateDict();
      state.putAll(tensors);
      int root = writer.write(state, "tensors");
      if (!metadata.isEmpty()) {
        int attrs = document.container(Kind.DICT);
        document.put(attrs, writer.write(METADATA, METADATA), writer.write(metadata, METADATA));
        document.setAttrs(root, attrs);
      }
      document.saveSafetensors(Utf8.encode(path.toString()), root);
    } catch (RuntimeException e) {
      throw CheckpointException.ofFormat(e);
    }
  }
}
