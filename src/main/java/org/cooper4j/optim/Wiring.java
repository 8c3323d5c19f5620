package org.cooper4j.optim;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.internal.Native;
import org.cooper4j.internal.Optimizers;
import org.cooper4j.internal.Tensors;
import org.cooper4j.multipliers.IndexedMultiplier;
import org.cooper4j.multipliers.Multiplier;

/**
 * Which optimizer moves which variable: every one at most one, primal variables a primal optimizer,
 * and each of the problem's multipliers a dual one. Parameters are told apart by their native
 * addresses.
 */
final class Wiring {
  private final ConstrainedMinimizationProblem<?> cmp;
  private final List<Optimizer> primalOptimizers;
  private final List<Optimizer> dualOptimizers;
  private final Tensor dualVariable;
  private final Set<Constraint> known = Collections.newSetFromMap(new IdentityHashMap<>());

  /**
   * Checks what is known before the first evaluation.
   *
   * @param dualVariable what dual optimizers move in the place of all multipliers; null without one
   * @throws IllegalArgumentException naming optimizer and constraint
   */
  Wiring(
      ConstrainedMinimizationProblem<?> cmp,
      List<Optimizer> primalOptimizers,
      List<Optimizer> dualOptimizers,
      Tensor dualVariable) {
    this.dualVariable = dualVariable;
    this.cmp = cmp;
    this.primalOptimizers = primalOptimizers;
    this.dualOptimizers = dualOptimizers;
    requireOpen();
    try (PointerScope temporaries = new PointerScope()) {
      Map<Long, Constraint> multipliers = new HashMap<>();
      for (Constraint constraint : cmp.constraints()) {
        constraint
            .multiplier()
            .map(Multiplier::parameters)
            .orElse(List.of())
            .forEach(parameter -> multipliers.putIfAbsent(Tensors.identity(parameter), constraint));
      }
      Map<Long, String> owners = new HashMap<>();
      claim(
          "primal optimizer",
          primalOptimizers,
          owners,
          "give it the variables",
          (optimizer, parameter) -> {
            Constraint constraint = multipliers.get(Tensors.identity(parameter));
            if (constraint != null) {
              throw new IllegalArgumentException(
                  optimizer
                      + " has the multiplier of "
                      + quoted(constraint)
                      + ", which it would minimise; give it to a dual optimizer");
            }
          });
      claim(
          "dual optimizer",
          dualOptimizers,
          owners,
          multipliers.isEmpty()
              ? "the problem has no multipliers: register its constraints first, or use"
                  + " UnconstrainedOptimizer if they have none"
              : "give it the problem's dualParameters()",
          (optimizer, parameter) -> {
            if (dualVariable == null
                ? !multipliers.containsKey(Tensors.identity(parameter))
                : Tensors.identity(parameter) != Tensors.identity(dualVariable)) {
              throw new IllegalArgumentException(
                  optimizer
                      + " has a parameter "
                      + Tensors.describe(parameter)
                      + (dualVariable == null
                          ? " that is no multiplier of this problem's constraints; give it the"
                              + " problem's dualParameters(), after all constraints were registered,"
                              + " and primal variables to a primal optimizer"
                          : " that is not the matrix it was given; make it of that"));
            }
          });
      requireGrad();
      Map<Long, Optimizer> moved = moved();
      cmp.constraints().forEach(constraint -> admit(constraint, moved));
    }
  }

  /** A frozen model, or a forgotten requires_grad_(true). */
  private void requireGrad() {
    if (!anyRequiresGrad(primalOptimizers)) {
      throw new IllegalArgumentException(
          "no parameter of the primal optimizers requires grad, so that none would move; call"
              + " requires_grad_(true) on the variables");
    }
    if (!dualOptimizers.isEmpty() && !anyRequiresGrad(dualOptimizers)) {
      throw new IllegalArgumentException(
          "no parameter of the dual optimizers requires grad, so that no multiplier would move;"
              + " call requires_grad_(true) on them, or, if all are to stay as they are, use"
              + " UnconstrainedOptimizer; see docs/troubleshooting.md#wiring");
    }
  }

  private static boolean anyRequiresGrad(List<Optimizer> optimizers) {
    boolean[] any = {false};
    Optimizers.forEachParameter(optimizers, parameter -> any[0] |= parameter.requires_grad());
    return any[0];
  }

  /** Where a variable is not finite, in words; else that all are. Reads every value. */
  String whichIsNotFinite() {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      for (var side :
          Map.of("primal optimizer", primalOptimizers, "dual optimizer", dualOptimizers)
              .entrySet()) {
        for (int i = 0; i < side.getValue().size(); i++) {
          String name = name(side.getKey(), i, side.getValue());
          List<String> found = new ArrayList<>();
          Optimizers.forEachParameter(
              List.of(side.getValue().get(i)),
              parameter -> {
                if (!torch.isfinite(parameter).all().item_bool()) {
                  found.add(Tensors.describe(parameter));
                }
              });
          if (!found.isEmpty()) {
            return "a parameter "
                + found.get(0)
                + " of "
                + name
                + " is not finite since an earlier step, so that a gradient or a learning rate was"
                + " not";
          }
        }
      }
    }
    return "all variables are finite and where they were: look at the batch, or lower the learning"
        + " rates";
  }

  /** Checks constraints that were not there before. */
  void check(CMPState state) {
    for (Constraint constraint : state.observedConstraints().keySet()) {
      if (!known.contains(constraint)) {
        if (cmp.namedConstraints().get(constraint.name().orElse(null)) != constraint) {
          throw new IllegalArgumentException(
              quoted(constraint)
                  + " was observed, but is not registered in this problem; call register(name,"
                  + " constraint), and observe what it returns");
        }
        try (PointerScope temporaries = new PointerScope()) {
          admit(constraint, moved());
        }
      }
    }
  }

  /** Throws if an optimizer is gone. */
  void requireOpen() {
    requireOpen("primal optimizer", primalOptimizers);
    requireOpen("dual optimizer", dualOptimizers);
  }

  private static void requireOpen(String side, List<Optimizer> optimizers) {
    for (int i = 0; i < optimizers.size(); i++) {
      if (optimizers.get(i).isNull()) {
        throw new IllegalStateException(
            name(side, i, optimizers)
                + " was closed, or released with the PointerScope that it was made in; make it"
                + " where it lives as long as this");
      }
    }
  }

  private static String name(String side, int i, List<Optimizer> optimizers) {
    return side + " " + i + " (" + optimizers.get(i).getClass().getSimpleName() + ")";
  }

  /**
   * Throws if a state with a primal side gave no primal optimizer anything to do; returns whether
   * it has one.
   */
  boolean requirePrimalGradients(CMPState state) {
    boolean primalSide =
        state.loss().isPresent()
            || state.observedConstraints().values().stream()
                .anyMatch(ConstraintState::contributesToPrimalUpdate);
    if (!primalSide) {
      return false;
    }
    boolean[] any = {false};
    try (PointerScope temporaries = new PointerScope()) {
      Optimizers.forEachParameter(
          primalOptimizers, parameter -> any[0] |= parameter.grad().defined());
    }
    if (!any[0]) {
      throw new IllegalArgumentException(
          "no parameter of the primal optimizers got a gradient, so that no roll would move one:"
              + " the loss and the violations depend on other tensors; give the primal optimizer"
              + " the parameters that computeCMPState uses");
    }
    return true;
  }

  private void admit(Constraint constraint, Map<Long, Optimizer> moved) {
    Multiplier multiplier = constraint.multiplier().orElse(null);
    List<Tensor> parameters = multiplier == null ? List.of() : multiplier.parameters();
    boolean everyOneMoves = true;
    for (Tensor parameter : parameters) {
      Optimizer optimizer = moved.get(Tensors.identity(parameter));
      everyOneMoves &= optimizer != null;
      if (optimizer == null && parameter.requires_grad()) {
        throw new IllegalArgumentException(
            "no dual optimizer has the multiplier of "
                + quoted(constraint)
                + ", so that it would never move; "
                + (dualOptimizers.isEmpty()
                    ? "take an optimizer that has dual ones, such as SimultaneousOptimizer, or give"
                        + " the constraint a formulation without a multiplier:"
                        + " SwitchingSubgradientOptimizer is for Switched, UnconstrainedOptimizer"
                        + " for QuadraticPenalty; if"
                    : "register constraints before the optimizers are made and give one the"
                        + " problem's dualParameters(), or, if")
                + " the multiplier is to stay as it is, set requires_grad_(false) on its"
                + " parameters; see docs/troubleshooting.md#wiring");
      }
      if (multiplier instanceof IndexedMultiplier
          && optimizer != null
          && Native.takesNoSparseGradient(optimizer)) {
        throw new IllegalArgumentException(
            "a dual "
                + optimizer.getClass().getSimpleName()
                + " has the indexed multiplier of "
                + quoted(constraint)
                + ", whose gradients are sparse, which it does not take; use SGD, Adagrad, NuPI or"
                + " SparseAdam");
      }
    }
    // What is frozen today, and no optimizer's, may learn tomorrow.
    if (everyOneMoves) {
      known.add(constraint);
    }
  }

  /** What the dual optimizers have now; with a variable for all multipliers, these. */
  private Map<Long, Optimizer> moved() {
    Map<Long, Optimizer> moved = new HashMap<>();
    if (dualVariable != null) {
      for (Multiplier multiplier : cmp.multipliers()) {
        multiplier
            .parameters()
            .forEach(parameter -> moved.put(Tensors.identity(parameter), dualOptimizers.get(0)));
      }
      return moved;
    }
    for (Optimizer optimizer : dualOptimizers) {
      Optimizers.forEachParameter(
          List.of(optimizer), parameter -> moved.put(Tensors.identity(parameter), optimizer));
    }
    return moved;
  }

  private static void claim(
      String side,
      List<Optimizer> optimizers,
      Map<Long, String> owners,
      String remedy,
      BiConsumer<String, Tensor> check) {
    for (int i = 0; i < optimizers.size(); i++) {
      Optimizer optimizer = optimizers.get(i);
      String name = name(side, i, optimizers);
      int before = owners.size();
      Optimizers.forEachParameter(
          List.of(optimizer),
          parameter -> {
            check.accept(name, parameter);
            String other = owners.put(Tensors.identity(parameter), name);
            if (other != null) {
              throw new IllegalArgumentException(
                  "a parameter "
                      + Tensors.describe(parameter)
                      + " is in "
                      + (other.equals(name) ? name + " twice" : other + " and in " + name)
                      + ", so that it would move twice a step; give it to one");
            }
          });
      if (owners.size() == before) {
        throw new IllegalArgumentException(name + " has no parameters; " + remedy);
      }
    }
  }

  private static String quoted(Constraint constraint) {
    return "constraint '" + constraint.name().orElse("?") + "'";
  }
}
