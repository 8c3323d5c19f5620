package org.cooper4j.spark;

import java.io.ByteArrayOutputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.OptimizerParamGroupVector;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.LoadOptions;
import org.cooper4j.checkpoint.RngState;
import org.cooper4j.distributed.ProcessGroup;
import org.cooper4j.optim.RollOut;
import org.cooper4j.training.Training;
import org.cooper4j.training.TrainingListener;

/**
 * Saves a training of several workers, and lets all go on from the same checkpoint. The first one
 * alone writes and reads; what the workers have of their own, the states of their generators, is
 * gathered there. Buffers, such as running statistics, become the first one's at every save.
 */
final class Resumption implements TrainingListener {
  private static final String GENERATORS = "worker_rng_states"; // uint8 [workers, n]
  private static final String LOADER = "loader_state_dict";

  private final ProcessGroup group;
  private final HadoopCheckpoints checkpoints;
  private final long interval;
  private long saved;

  Resumption(ProcessGroup group, HadoopCheckpoints checkpoints, long interval) {
    this.group = group;
    this.checkpoints = checkpoints;
    this.interval = interval;
  }

  /**
   * Goes on from the newest checkpoint, if there is one.
   *
   * @param rows this worker's
   * @throws IllegalArgumentException if it is of another training
   */
  void resume(Training training, long rows) {
    Map<String, Object> state = newest();
    if (state == null) {
      return;
    }
    Tensor generators = (Tensor) state.remove(GENERATORS);
    if (generators != null && generators.size(0) == group.size()) {
      state.put("rng_state", generators.get(group.rank()));
    }
    if (state.get(LOADER) instanceof Map<?, ?> loader) {
      Map<Object, Object> own = new LinkedHashMap<>(loader);
      own.put("samples", rows);
      state.put(LOADER, own);
    }
    try {
      training.loadStateDict(state);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "cannot resume from the checkpoints: "
              + e.getMessage()
              + "; remove them, or choose another path",
          e);
    }
    saved = training.step();
  }

  /** What the first worker finds; null if that is nothing. */
  private Map<String, Object> newest() {
    byte[] file = new byte[0];
    if (group.rank() == 0) {
      checkpoints.deleteUnfinished();
      Optional<Map<String, Object>> found = checkpoints.newest();
      file = found.map(Resumption::bytes).orElse(file);
    }
    try (PointerScope temporaries = new PointerScope()) {
      Tensor length = Tensor.create(new long[] {file.length}, 1);
      group.broadcast(List.of(length));
      int n = Math.toIntExact(length.item_long());
      if (n == 0) {
        return null;
      }
      Tensor bytes = Tensor.create(group.rank() == 0 ? file : new byte[n], false, n);
      group.broadcast(List.of(bytes));
      file = new byte[n];
      bytes.data_ptr_byte().get(file);
    }
    return new LinkedHashMap<>(Checkpoint.load(file, new LoadOptions()).asMap());
  }

  private static byte[] bytes(Map<String, Object> state) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Checkpoint.save(out, state);
    return out.toByteArray();
  }

  @Override
  public void step(Training training, RollOut rollOut) {
    boolean last = training.batches().orElse(-1) == training.batch(); // the epoch's end saves
    if (interval > 0 && training.step() % interval == 0 && !last) {
      save(training);
    }
  }

  @Override
  public void epochEnd(Training training) {
    save(training);
  }

  @Override
  public void end(Training training) {
    boolean stopped = training.failure().isEmpty() && training.stopReason().isPresent();
    if (stopped && training.step() != saved && !Thread.currentThread().isInterrupted()) {
      save(training);
    }
  }

  private void save(Training training) {
    saved = training.step();
    if (!isFinite(training)) {
      return; // the next roll says so
    }
    training.modules().values().forEach(group::broadcast);
    try (Tensor own = RngState.get();
        Tensor row = own.unsqueeze(0);
        Tensor all = group.allGather(row)) {
      if (group.rank() == 0) {
        Map<String, Object> state = training.stateDict();
        state.put(GENERATORS, all);
        checkpoints.save(training.step(), state);
      }
    }
  }

  private static boolean isFinite(Training training) {
    try (PointerScope temporaries = new PointerScope()) {
      for (Optimizer optimizer : training.optimizer().primalOptimizers()) {
        OptimizerParamGroupVector groups = optimizer.param_groups();
        for (long i = 0; i < groups.size(); i++) {
          for (Tensor parameter : groups.get(i).params().get()) {
            if (!torch.isfinite(parameter).all().item_bool()) {
              return false;
            }
          }
        }
      }
    }
    return true;
  }
}
