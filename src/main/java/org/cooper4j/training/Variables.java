package org.cooper4j.training;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.internal.Optimizers;
import org.cooper4j.internal.Tensors;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.Replicas;

/** What is trained: modules and other primal variables by name, and the problem's multipliers. */
final class Variables {
  private static final String PROBLEM = "cmp_state_dict";
  private static final String SUFFIX = "_state_dict";
  private static final Set<String> TAKEN = Set.of("cmp", "cooper_optimizer", "loader");

  private final CooperOptimizer<?> optimizer;
  private final Map<String, Module> modules = new LinkedHashMap<>();
  private final StateDict tensors = new StateDict();

  Variables(CooperOptimizer<?> optimizer) {
    this.optimizer = optimizer;
  }

  void add(String name, Module module) {
    if (TAKEN.contains(name) || modules.putIfAbsent(name, module) != null) {
      throw new IllegalArgumentException(
          "the name '" + name + "' is taken; choose another one for this module");
    }
  }

  void add(String name, Tensor tensor) {
    Tensors.requireTensor(tensor, name);
    if (tensors.putIfAbsent(name, tensor) != null) {
      throw new IllegalArgumentException(
          "the name '" + name + "' is taken; choose another one for this variable");
    }
  }

  Map<String, Module> modules() {
    return modules;
  }

  /** The live tensors, not copied, as the keys of a checkpoint. */
  Map<String, Object> stateDict() {
    requireAll();
    Map<String, Object> state = new LinkedHashMap<>();
    modules.forEach((name, module) -> state.put(name + SUFFIX, StateDict.of(module)));
    if (!tensors.isEmpty()) {
      StateDict detached = new StateDict();
      tensors.forEach((name, tensor) -> detached.put(name, ((Tensor) tensor).detach()));
      state.put("variables", detached);
    }
    state.put(PROBLEM, optimizer.cmp().stateDict());
    return state;
  }

  /** Loads part by part; who calls takes back the parts before one that does not fit. */
  void load(Map<String, ?> state) {
    modules.forEach(
        (name, module) -> load(state, name + SUFFIX, part -> StateDict.load(module, part)));
    if (!tensors.isEmpty()) {
      load(state, "variables", this::loadTensors);
    }
    load(state, PROBLEM, optimizer.cmp()::loadStateDict);
  }

  private void loadTensors(Map<String, ?> state) {
    Map<String, Tensor> expected = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> expected.put(name, (Tensor) tensor));
    StateDict.check(expected, state);
    expected.forEach((name, tensor) -> Tensors.copyInto(tensor, (Tensor) state.get(name)));
  }

  /** Hands a part of a state on; what is wrong with it is said with its key. */
  @SuppressWarnings("unchecked")
  static void load(Map<String, ?> state, String key, Consumer<Map<String, ?>> target) {
    if (!(state.get(key) instanceof Map<?, ?> part)) {
      throw new IllegalArgumentException(
          key + ": expected a dict, found " + (state.containsKey(key) ? "something else" : "none"));
    }
    try {
      target.accept((Map<String, ?>) part);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(key + "." + e.getMessage(), e);
    }
  }

  /** A primal variable that has no name would be missing from a checkpoint. */
  private void requireAll() {
    Set<Long> named = new HashSet<>();
    try (PointerScope temporaries = new PointerScope()) {
      for (Module module : modules.values()) {
        TensorVector parameters = module.parameters();
        for (long i = 0; i < parameters.size(); i++) {
          named.add(Tensors.identity(parameters.get(i)));
        }
      }
      tensors.values().forEach(tensor -> named.add(Tensors.identity((Tensor) tensor)));
      forEachPrimal(
          parameter -> {
            if (!named.contains(Tensors.identity(parameter))) {
              throw new IllegalStateException(
                  "a primal variable "
                      + Tensors.describe(parameter)
                      + " is of no module of the trainer, and would be missing from what is saved;"
                      + " give its module with module(name, module), or itself with variable(name,"
                      + " tensor)");
            }
          });
    }
  }

  /** Running statistics and the like: each copy's own in training, here they become the first's. */
  void shareBuffers(Replicas.Replica copy) {
    try (PointerScope temporaries = new PointerScope()) {
      List<Tensor> buffers = new ArrayList<>();
      for (Module module : modules.values()) {
        StringTensorDict named = module.named_buffers();
        for (long i = 0; i < named.size(); i++) {
          buffers.add(named.get(i).value());
        }
      }
      copy.broadcast(buffers);
    }
  }

  /** Whether every primal variable is finite. */
  boolean areFinite() {
    boolean[] finite = {true};
    try (PointerScope temporaries = new PointerScope()) {
      forEachPrimal(
          parameter -> finite[0] = finite[0] && torch.isfinite(parameter).all().item_bool());
    }
    return finite[0];
  }

  void forEachPrimal(Consumer<Tensor> action) {
    Optimizers.forEachParameter(optimizer.primalOptimizers(), action);
  }
}
