package org.cooper4j.optim;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.cooper4j.CMPState;
import org.cooper4j.internal.Released;

/** The hooks of one side, in the order in which they run, and what they remember. */
final class Hooks {
  private final String side;
  private List<GradientHook> hooks = List.of();

  /** Of the side "primal" or "dual". */
  Hooks(String side) {
    this.side = side;
  }

  void add(GradientHook hook) {
    hooks = Stream.concat(hooks.stream(), Stream.of(Objects.requireNonNull(hook, "hook"))).toList();
  }

  boolean isEmpty() {
    return hooks.isEmpty();
  }

  boolean contains(Class<? extends GradientHook> kind) {
    return hooks.stream().anyMatch(kind::isInstance);
  }

  void evaluated(CMPState state) {
    try {
      hooks.forEach(hook -> hook.evaluated(state));
    } catch (RuntimeException e) {
      throw Released.explain("a hook after the evaluation", e);
    }
  }

  /** Runs them, the check after each. */
  void beforeStep(Gradients gradients, Runnable check) {
    try {
      for (GradientHook hook : hooks) {
        hook.beforeStep(gradients);
        check.run();
      }
    } catch (RuntimeException e) {
      throw Released.explain("a hook before the " + side + " step", e);
    }
  }

  private String key() {
    return side + "_hook_states";
  }

  /** Puts what they remember under this side's key, if that is anything. */
  void putStates(Map<String, Object> state) {
    List<Map<String, Object>> states = states();
    if (states.stream().anyMatch(hook -> !hook.isEmpty())) {
      state.put(key(), states);
    }
  }

  private List<Map<String, Object>> states() {
    return hooks.stream().map(GradientHook::stateDict).toList();
  }

  /** Loads what {@link #putStates} put, of all sides or of none. */
  static void load(Map<String, ?> state, List<Hooks> sides) {
    List<List<Map<String, Object>>> before = sides.stream().map(Hooks::states).toList();
    try {
      sides.forEach(side -> side.load(state.get(side.key())));
    } catch (RuntimeException e) {
      for (int i = 0; i < sides.size(); i++) {
        sides.get(i).load(before.get(i));
      }
      throw e;
    }
  }

  private void load(Object found) {
    List<?> states = found instanceof List<?> list ? list : List.of();
    if (!states.isEmpty() && states.size() != hooks.size()) {
      throw new IllegalArgumentException(
          key() + ": expected " + hooks.size() + " states, found " + states.size());
    }
    for (int i = 0; i < hooks.size(); i++) {
      try {
        hooks.get(i).loadStateDict(states.isEmpty() ? Map.of() : asMap(states.get(i)));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(key() + "[" + i + "]." + e.getMessage(), e);
      }
    }
  }

  @SuppressWarnings("unchecked")
  private static Map<String, ?> asMap(Object state) {
    if (!(state instanceof Map<?, ?>)) {
      throw new IllegalArgumentException("expected a dict, found " + state);
    }
    return (Map<String, ?>) state;
  }
}
