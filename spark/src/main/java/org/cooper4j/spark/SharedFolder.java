package org.cooper4j.spark;

import java.io.ByteArrayOutputStream;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.CheckpointException;
import org.cooper4j.checkpoint.LoadOptions;
import org.cooper4j.distributed.ProcessGroup;
import org.cooper4j.training.CheckpointFolder;
import org.cooper4j.training.Training;

/**
 * The first worker's folder, in all workers: they save together, and load the same. What each has
 * of its own, the state of its generator, is gathered in the file. Buffers, such as running
 * statistics, become the first one's at every save.
 */
final class SharedFolder implements CheckpointFolder {
  private static final String GENERATOR = "rng_state";
  private static final String GENERATORS = "worker_rng_states"; // uint8 [workers, n]
  private static final String LOADER = "loader_state_dict";

  private final ProcessGroup group;
  private final CheckpointFolder folder;
  private final Training training;
  private final long rows;

  /**
   * A folder.
   *
   * @param folder the first worker's; the others never call it
   * @param rows that this worker has
   */
  SharedFolder(ProcessGroup group, CheckpointFolder folder, Training training, long rows) {
    this.group = group;
    this.folder = folder;
    this.training = training;
    this.rows = rows;
  }

  @Override
  @SuppressWarnings("unchecked") // what is put in below
  public Collection<String> names() {
    return (Collection<String>) ofFirst(() -> List.copyOf(folder.names()));
  }

  @Override
  @SuppressWarnings("unchecked") // likewise
  public Map<String, Object> load(String name) {
    var state = (Map<String, Object>) ofFirst(() -> folder.load(name));
    Tensor generators = (Tensor) state.remove(GENERATORS);
    if (generators != null && generators.size(0) == group.size()) {
      state.put(GENERATOR, generators.get(group.rank()));
    }
    if (state.get(LOADER) instanceof Map<?, ?> loader) {
      Map<Object, Object> own = new LinkedHashMap<>(loader);
      own.put("samples", rows);
      state.put(LOADER, own);
    }
    return state;
  }

  /** What the first worker finds. */
  private Object ofFirst(Supplier<?> find) {
    byte[] file = new byte[0];
    if (group.rank() == 0) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      Checkpoint.save(out, found(find));
      file = out.toByteArray();
    }
    try (PointerScope temporaries = new PointerScope()) {
      Tensor length = Tensor.create(new long[] {file.length}, 1);
      group.broadcast(List.of(length));
      int n = Math.toIntExact(length.item_long());
      Tensor bytes = Tensor.create(group.rank() == 0 ? file : new byte[n], false, n);
      group.broadcast(List.of(bytes));
      file = new byte[n];
      bytes.data_ptr_byte().get(file);
    }
    Checkpoint found = Checkpoint.load(file, new LoadOptions());
    if (found.has("damaged")) {
      throw new CheckpointException(found.string("damaged"), null);
    }
    return found.at("found").root();
  }

  private static Map<String, ?> found(Supplier<?> find) {
    try {
      return Map.of("found", find.get());
    } catch (CheckpointException e) {
      return Map.of("damaged", e.getMessage());
    }
  }

  @Override
  public void save(String name, Map<String, ?> state) {
    if (training.failure().isPresent()) {
      return; // the others do not come here
    }
    training.modules().values().forEach(group::broadcast);
    try (Tensor row = ((Tensor) state.get(GENERATOR)).unsqueeze(0);
        Tensor all = group.allGather(row)) {
      if (group.rank() == 0) {
        Map<String, Object> whole = new LinkedHashMap<>(state);
        whole.put(GENERATORS, all);
        folder.save(name, whole);
      }
    }
  }

  @Override
  public void delete(String name) {
    if (group.rank() == 0) {
      folder.delete(name);
    }
  }

  @Override
  public String toString() {
    return group.rank() == 0 ? folder.toString() : "the first worker's folder";
  }
}
