package org.cooper4j.training;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.SharedModuleVector;

/** Modules in evaluation mode; closing gives every part of them the mode back that it had. */
final class EvalMode implements AutoCloseable {
  private final Collection<Module> modules;
  private final List<Boolean> wereTraining = new ArrayList<>();
  private int next;

  EvalMode(Collection<Module> modules) {
    this.modules = modules;
    try (PointerScope temporaries = new PointerScope()) {
      modules.forEach(this::remember);
    }
    modules.forEach(Module::eval);
  }

  private void remember(Module module) {
    wereTraining.add(module.is_training());
    SharedModuleVector children = module.children();
    for (long i = 0; i < children.size(); i++) {
      remember(children.get(i));
    }
  }

  @Override
  public void close() {
    next = 0;
    try (PointerScope temporaries = new PointerScope()) {
      modules.forEach(this::restore);
    }
  }

  /** Parents first, since their mode is set in all that they have. */
  private void restore(Module module) {
    module.train(wereTraining.get(next++));
    SharedModuleVector children = module.children();
    for (long i = 0; i < children.size(); i++) {
      restore(children.get(i));
    }
  }
}
