package org.cooper4j;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState.Lagrangians;
import org.cooper4j.formulations.Formulation.Kernel;
import org.cooper4j.internal.Evaluation;
import org.cooper4j.internal.Tensors;
import org.cooper4j.multipliers.ExplicitMultiplier;
import org.cooper4j.multipliers.Multiplier;
import org.cooper4j.penalties.PenaltyCoefficient;

/** Packs the observed constraints into the arrays of one native call. */
@SuppressWarnings("EnumOrdinal") // the native layer knows the kernels by number
final class Terms {
  // The layout that native/src/jni/bridge.h documents.
  private static final int TENSORS = 8;
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
    int k = 0;
    for (var observed : state.observedConstraints().entrySet()) {
      terms.pack(k++, observed.getKey(), observed.getValue(), primal, made);
    }
    Evaluation evaluation;
    try {
      evaluation =
          new Evaluation(
              state.loss().orElse(null), terms.tensors, terms.flags, primal, dual, backward);
    } catch (RuntimeException e) {
      throw terms.named(e);
    } finally {
      // The native side holds its own references; these must live until it does.
      java.lang.ref.Reference.reachabilityFence(made);
      java.lang.ref.Reference.reachabilityFence(state);
    }
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
    Tensor features = state.constraintFeatures().orElse(null);
    Tensor strictFeatures = state.strictConstraintFeatures().orElse(null);
    Multiplier multiplier = constraint.multiplier().orElse(null);
    PenaltyCoefficient penalty = constraint.penaltyCoefficient().orElse(null);
    Kernel kernel = constraint.formulation().kernel();
    Tensor[] members = new Tensor[TENSORS];
    members[0] = state.violation();
    members[1] = features;
    members[2] = state.strictViolation().orElse(null);
    members[3] = strictFeatures;

    int multiplierKind = NONE;
    if (multiplier instanceof ExplicitMultiplier explicit) {
      multiplierKind = explicit.expectsConstraintFeatures() ? INDEXED : DENSE;
      members[4] = explicit.weight();
    } else if (multiplier != null) {
      multiplierKind = VALUE;
      members[4] = keep(made, multiplier.forward(features));
      if (strictFeatures != null) {
        members[5] = keep(made, multiplier.forward(strictFeatures));
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
    for (int i = 0; i < TENSORS; i++) {
      tensors[TENSORS * k + i] = Tensors.address(members[i]);
    }
    flags[k] =
        kernel.ordinal()
            | bit(constraint.constraintType() == ConstraintType.INEQUALITY, 4)
            | bit(state.contributesToPrimalUpdate(), 5)
            | bit(state.contributesToDualUpdate(), 6)
            | multiplierKind << 8
            | penaltyKind << 12;
  }

  private static int bit(boolean value, int shift) {
    return value ? 1 << shift : 0;
  }

  private static Tensor keep(List<Tensor> made, Tensor tensor) {
    made.add(tensor);
    return tensor;
  }

  /** The native layer knows constraints by number, people by name. */
  private RuntimeException named(RuntimeException e) {
    String text = e.getMessage();
    Matcher matcher = text == null ? null : TERM.matcher(text);
    if (matcher == null || !matcher.find()) {
      return e;
    }
    String name = constraints.get(Integer.parseInt(matcher.group(1))).name().orElseThrow();
    return new IllegalArgumentException(
        matcher.replaceFirst(Matcher.quoteReplacement("constraint '" + name + "'")), e);
  }
}
