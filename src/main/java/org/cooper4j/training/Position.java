package org.cooper4j.training;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.checkpoint.RngState;
import org.cooper4j.data.DataLoader;

/**
 * How far a training is in its batches, and the generators' states there.
 *
 * <p>Between calls of {@code fit}, and after a resume, {@code saved} says how the iteration goes
 * on.
 */
final class Position {
  private static final Set<String> GENERATORS =
      Set.of("rng_state", "cuda_rng_state", "loader_state_dict", "epoch_rng_state");

  long epoch;
  long step;
  long batch;

  /** Set while listeners hear of an epoch's end: a checkpoint of then begins the next one. */
  boolean epochEnded;

  private DataLoader loader;
  private Tensor rngAtEpoch;
  private Map<String, Object> saved;

  /** Of a training's state what each of several processes has of its own. */
  static Map<String, Object> own(Map<String, Object> state) {
    Map<String, Object> own = new LinkedHashMap<>(state);
    own.keySet().retainAll(GENERATORS);
    return own;
  }

  /**
   * Lets a state of another number of processes go on in this one: the first one gets the first
   * one's generators, the others keep theirs; shards may have other numbers of samples.
   */
  static void ofOtherProcesses(Map<String, Object> state, int rank) {
    if (rank > 0) {
      state.keySet().removeAll(Set.of("rng_state", "cuda_rng_state"));
    }
    if (state.get("loader_state_dict") instanceof Map<?, ?> loader) {
      Map<Object, Object> any = new LinkedHashMap<>(loader);
      any.remove("samples");
      state.put("loader_state_dict", any);
    }
  }

  /** Says what will be iterated. */
  void begin(Iterable<?> batches) {
    loader = batches instanceof DataLoader ours ? ours : null;
  }

  boolean iterates(DataLoader other) {
    return other != null && other == loader;
  }

  /** The rest of the epoch that was interrupted, or a new one. */
  <B> Iterator<B> iterator(Iterable<B> batches) {
    Map<String, ?> start = saved;
    saved = null;
    if (start == null) {
      rngAtEpoch = loader == null ? RngState.get() : null;
      return batches.iterator();
    }
    if (loader != null) {
      if (start.containsKey("loader_state_dict")) {
        Variables.load(start, "loader_state_dict", loader::loadStateDict);
      } else if (batch > 0) {
        throw new IllegalArgumentException(
            "loader_state_dict: missing, so that a DataLoader cannot go on in the middle of an"
                + " epoch; resume with the kind of batches that the run was started with");
      }
      loadRng(start);
      return batches.iterator();
    }
    rngAtEpoch = (Tensor) start.get("epoch_rng_state");
    if (batch > 0 && rngAtEpoch != null) {
      RngState.set(rngAtEpoch);
    } else {
      loadRng(start);
      rngAtEpoch = RngState.get();
    }
    Iterator<B> iterator = batches.iterator();
    for (long i = 0; i < batch && iterator.hasNext(); i++) {
      iterator.next();
    }
    if (batch > 0) {
      loadRng(start);
    }
    return iterator;
  }

  void endEpoch() {
    epochEnded = false;
    epoch++;
    batch = 0;
  }

  /** Remembers how to go on in the middle of an epoch, when {@code fit} ends. */
  void pause() {
    if (saved != null) { // a run that had ended: as it was left
      loadRng(saved);
    } else if (batch > 0) {
      Map<String, Object> here = stateDict();
      here.keySet().retainAll(GENERATORS);
      saved = here;
    }
  }

  Map<String, Object> stateDict() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("epoch", epochEnded ? epoch + 1 : epoch);
    state.put("step", step);
    state.put("batch", epochEnded ? 0 : batch);
    if (saved != null) { // nothing was drawn since
      state.putAll(saved);
      return state;
    }
    state.put("rng_state", RngState.get());
    List<Object> cuda = new ArrayList<>();
    for (int i = 0; i < cudaDevices(); i++) {
      try (Device device = new Device("cuda:" + i)) {
        cuda.add(RngState.get(device));
      }
    }
    if (!cuda.isEmpty()) {
      state.put("cuda_rng_state", cuda);
    }
    if (loader != null) {
      Map<String, Object> ours = loader.stateDict();
      if (!epochEnded) {
        ours.put("batches", batch); // the one that a roll failed on comes again
      }
      state.put("loader_state_dict", ours);
    } else if (rngAtEpoch != null && !epochEnded) {
      state.put("epoch_rng_state", rngAtEpoch);
    }
    return state;
  }

  private static void loadRng(Map<String, ?> state) {
    if (state.get("rng_state") instanceof Tensor rng) {
      RngState.set(rng);
    }
    if (state.get("cuda_rng_state") instanceof List<?> cuda) {
      for (int i = 0; i < Math.min(cuda.size(), cudaDevices()); i++) {
        try (Device device = new Device("cuda:" + i)) {
          RngState.set(device, (Tensor) cuda.get(i));
        }
      }
    }
  }

  private static int cudaDevices() {
    return torch.cuda_is_available() ? torch.cuda_device_count() : 0;
  }

  static Position of(Map<String, ?> state) {
    Position there = new Position();
    there.epoch = count(state, "epoch");
    there.step = count(state, "step");
    there.batch = count(state, "batch");
    there.saved = new LinkedHashMap<>(state);
    there.saved.keySet().retainAll(GENERATORS);
    return there;
  }

  private static long count(Map<String, ?> state, String key) {
    if (!(state.get(key) instanceof Long count) || count < 0) {
      throw new IllegalArgumentException(
          key + ": expected an int of at least 0, found " + state.get(key));
    }
    return count;
  }

  void goTo(Position there) {
    epoch = there.epoch;
    step = there.step;
    batch = there.batch;
    saved = there.saved;
  }
}
