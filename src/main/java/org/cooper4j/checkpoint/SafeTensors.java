package org.cooper4j.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
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
  public static SafeTensors load(Path path) {
    return load(path, new LoadOptions());
  }

  /** Reads a file to a device, or with another limit; see {@link #load(Path)}. */
  public static SafeTensors load(Path path, LoadOptions options) {
    if (Transfer.isNative(path)) {
      return read(
          document -> {
            document.setLimit(options.limit());
            document.loadSafetensors(Utf8.encode(path.toString()), options.device());
          });
    }
    return readFed(document -> Transfer.feed(document, path), options);
  }

  /**
   * Reads a file from a stream, to its end; it stays open.
   *
   * @throws CheckpointException saying where the file breaks the format
   */
  public static SafeTensors load(InputStream in) {
    return load(in, new LoadOptions());
  }

  /** Reads a stream to a device, or with another limit; see {@link #load(InputStream)}. */
  public static SafeTensors load(InputStream in, LoadOptions options) {
    return readFed(document -> Transfer.feed(document, in), options);
  }

  private static SafeTensors readFed(Transfer.Load feed, LoadOptions options) {
    return read(
        document -> {
          feed.run(document);
          document.setLimit(options.limit());
          document.loadFedSafetensors(options.device());
        });
  }

  @SuppressWarnings("unchecked")
  private static SafeTensors read(Transfer.Load load) {
    try (Document document = new Document();
        PointerScope temporaries = new PointerScope()) {
      load.run(document);
      DocumentReader reader = new DocumentReader(document);
      Map<String, Tensor> tensors =
          new LinkedHashMap<>((Map<String, Tensor>) reader.read(document.root()));
      Map<String, String> metadata =
          reader.attributes(document.root()) instanceof Map<?, ?> attributes
              ? (Map<String, String>) attributes.get(METADATA)
              : Map.of();
      return new SafeTensors(tensors, metadata);
    } catch (IOException e) {
      throw new CheckpointException(e.toString(), e);
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
    if (Transfer.isNative(path)) {
      save((document, root) -> document.saveSafetensors(Utf8.encode(path.toString()), root));
    } else {
      save(
          (document, root) -> {
            document.saveSafetensorsBytes(root);
            Transfer.drain(document, path);
          });
    }
  }

  /**
   * Writes a file to a stream, which stays open.
   *
   * @throws CheckpointException naming the tensor whose dtype the format lacks, or saying why the
   *     stream cannot be written
   */
  public void save(OutputStream out) {
    save(
        (document, root) -> {
          document.saveSafetensorsBytes(root);
          Transfer.drain(document, out);
        });
  }

  private void save(Transfer.Save sink) {
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
      sink.run(document, root);
    } catch (IOException e) {
      throw new CheckpointException(e.toString(), e);
    } catch (RuntimeException e) {
      throw CheckpointException.ofFormat(e);
    }
  }
}
