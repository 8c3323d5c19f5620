package org.cooper4j;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState.Lagrangians;
import org.cooper4j.formulations.Formulation.Kernel;
import org.cooper4j.internal.Evaluation;
import org.cooper4j.internal.Released;
import org.cooper4j.internal.RollScope;
import org.cooper4j.multipliers.ExplicitMultiplier;
import org.cooper4j.multipliers.Multiplier;
import org.cooper4j.penalties.PenaltyCoefficient;

/** Packs the observed constraints into the arrays of one native call. */
@SuppressWarnings("EnumOrdinal") // the native layer knows the kernels by number
final class Terms {
  // The layout that native/src/jni/bridge.h documents.
  private static final int TENSORS = 8;
  private static final String[] MEMBERS = {
    "the violation",
    "the tensor of constraint features",
    "the strict violation",
    "the tensor of strict constraint features",
    "its multiplier",
    "its multiplier at the strict features",
    "its penalty coefficient",
    "its formulation's contribution"
  };
  private static final int NONE = 0;
  private static final int DENSE = 1;
  private static final int INDEXED = 2;
  private static final int VALUE = 3;
  private static final Pattern TERM = Pattern.compile("constraint \\{(\\d+)}");

  private final List<Constraint> constraints;
  private final long[] tensors;
  private final int[] flags;

  private Terms(CMPState state) {
    constraints = new ArrayList<>(state.observedConstraints().keySet());
    tensors = new long[TENSORS * constraints.size()];
    flags = new int[constraints.size()];
  }

  static Lagrangians evaluate(CMPState state, boolean primal, boolean dual, boolean backward) {
    Terms terms = new Terms(state);
    List<Tensor> made = new ArrayList<>();
    Tensor loss = state.loss().orElse(null);
    requireOpen(loss);
    int k = 0;
    for (var observed : state.observedConstraints().entrySet()) {
      try {
        terms.pack(k++, observed.getKey(), observed.getValue(), primal, made);
      } catch (IllegalArgumentException e) {
        throw withName(observed.getKey(), e);
      } catch (NullPointerException e) {
        throw Released.explain(
            "constraint '"
                + observed.getKey().name().orElse("?")
                + "': its formulation or multiplier",
            e);
      }
    }
    Evaluation evaluation;
    try {
      evaluation = new Evaluation(loss, terms.tensors, terms.flags, primal, dual, backward);
    } catch (RuntimeException e) {
      throw named(e, terms.constraints);
    } finally {
      // The native side holds its own references; these must live until it does.
      java.lang.ref.Reference.reachabilityFence(made);
      java.lang.ref.Reference.reachabilityFence(state);
    }
    if (evaluation.copied()) {
      terms.replace(state, evaluation);
    }
    state.belongTo(RollScope.current());
    return new Lagrangians(
        new LagrangianStore(evaluation, terms.constraints, true),
        new LagrangianStore(evaluation, terms.constraints, false));
  }

  private void pack(
      int k, Constraint constraint, ConstraintState state, boolean primal, List<Tensor> made) {
    if (constraint.name().isEmpty()) {
      throw new IllegalArgumentException(
          "an observed " + constraint + " was never registered; call register(name, constraint)");
    }
    Multiplier multiplier = constraint.multiplier().orElse(null);
    PenaltyCoefficient penalty = constraint.penaltyCoefficient().orElse(null);
    Kernel kernel = constraint.formulation().kernel();
    Tensor[] members = members(state);
    requireOpen(constraint, members);
    Tensor features = members[1];

    int multiplierKind = NONE;
    boolean learns = false;
    if (multiplier instanceof ExplicitMultiplier explicit) {
      multiplierKind = explicit.expectsConstraintFeatures() ? INDEXED : DENSE;
      members[4] = explicit.weight();
    } else if (multiplier != null) {
      multiplierKind = VALUE;
      learns = multiplier.parameters().stream().anyMatch(Tensor::requires_grad);
      members[4] = keep(made, multiplier.forward(features));
      if (members[3] != null) {
        members[5] = keep(made, multiplier.forward(members[3]));
      }
    }
    int penaltyKind = NONE;
    if (penalty != null) {
      penaltyKind = penalty.expectsConstraintFeatures() ? INDEXED : DENSE;
      members[6] = penalty.value();
    }
    if (kernel == Kernel.CUSTOM && primal && state.contributesToPrimalUpdate()) {
      members[7] =
          keep(
              made,
              constraint
                  .formulation()
                  .primalContribution(
                      state.violation().dim() == 0
                          ? keep(made, state.violation().unsqueeze(0))
                          : state.violation(),
                      multiplier == null
                          ? null
                          : keep(made, keep(made, multiplier.forward(features)).detach()),
                      penalty == null ? null : keep(made, penalty.forward(features))));
    }
    requireOpen(constraint, members);
    for (int i = 0; i < TENSORS; i++) {
      tensors[TENSORS * k + i] = members[i] == null ? 0 : members[i].address();
    }
    flags[k] =
        kernel.ordinal()
            | bit(constraint.constraintType() == ConstraintType.INEQUALITY, 4)
            | bit(state.contributesToPrimalUpdate(), 5)
            | bit(state.contributesToDualUpdate(), 6)
            | bit(learns, 7)
            | multiplierKind << 8
            | penaltyKind << 12;
  }

  /** A multiplier, a penalty coefficient or a formulation does not know whose it is. */
  private static IllegalArgumentException withName(
      Constraint constraint, IllegalArgumentException e) {
    String name = constraint.name().map(known -> "constraint '" + known + "'").orElse("");
    return String.valueOf(e.getMessage()).contains(name)
        ? e
        : new IllegalArgumentException(name + ": " + e.getMessage(), e);
  }

  private void replace(CMPState state, Evaluation evaluation) {
    Map<Constraint, ConstraintState> own = new LinkedHashMap<>();
    for (int k = 0; k < constraints.size(); k++) {
      Constraint constraint = constraints.get(k);
      ConstraintState observed = state.observedConstraints().get(constraint);
      Tensor strict = observed.strictViolation().isPresent() ? evaluation.strictViolation(k) : null;
      own.put(constraint, observed.with(evaluation.violation(k), strict));
    }
    state.replace(state.loss().isPresent() ? evaluation.loss() : null, own);
  }

  /** Throws {@link IllegalArgumentException} if a tensor of the state was released. */
  static void requireOpen(CMPState state) {
    requireOpen(state.loss().orElse(null));
    state
        .observedConstraints()
        .forEach((constraint, observed) -> requireOpen(constraint, members(observed)));
  }

  private static void requireOpen(Tensor loss) {
    if (loss != null && loss.isNull()) {
      throw released("the loss");
    }
  }

  private static Tensor[] members(ConstraintState state) {
    Tensor[] members = new Tensor[TENSORS];
    members[0] = state.violation();
    members[1] = state.constraintFeatures().orElse(null);
    members[2] = state.strictViolation().orElse(null);
    members[3] = state.strictConstraintFeatures().orElse(null);
    return members;
  }

  /** Natively a released tensor would look like none. */
  private static void requireOpen(Constraint constraint, Tensor[] members) {
    for (int i = 0; i < TENSORS; i++) {
      if (members[i] != null && members[i].isNull()) {
        throw released("constraint '" + constraint.name().orElse("?") + "': " + MEMBERS[i]);
      }
    }
  }

  private static IllegalArgumentException released(String what) {
    return new IllegalArgumentException(
        what
            + " was released: its PointerScope ended, or close() was called; make it where it lives"
            + " long enough, or keep it with retainReference(); see docs/troubleshooting.md#released");
  }

  private static int bit(boolean value, int shift) {
    return value ? 1 << shift : 0;
  }

  private static Tensor keep(List<Tensor> made, Tensor tensor) {
    made.add(tensor);
    return tensor;
  }

  /** The native layer knows constraints by number, people by name. */
  static RuntimeException named(RuntimeException e, List<Constraint> constraints) {
    String text = e.getMessage();
    Matcher matcher = text == null ? null : TERM.matcher(text);
    if (matcher == null || !matcher.find()) {
      return e;
    }
    String name = constraints.get(Integer.parseInt(matcher.group(1))).name().orElseThrow();
    RuntimeException named =
        new IllegalArgumentException(
            matcher.replaceFirst(Matcher.quoteReplacement("constraint '" + name + "'")));
    named.setStackTrace(e.getStackTrace());
    return named;
  }
}
