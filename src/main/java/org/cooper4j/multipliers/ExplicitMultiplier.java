package org.cooper4j.multipliers;

import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.ConstraintType;
import org.cooper4j.Cuda;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.internal.Native;
import org.cooper4j.internal.Tensors;

/**
 * A multiplier whose values are its parameter {@code weight}. Mirrors {@code
 * cooper.multipliers.ExplicitMultiplier}.
 */
public abstract class ExplicitMultiplier extends Multiplier {
  static {
    Native.load();
  }

  private final Tensor weight;

  ExplicitMultiplier(Tensor weight) {
    this.weight = Tensors.keep(weight);
  }

  /** The values; its {@code grad()} holds the <em>negated</em> dual gradient after a roll. */
  public final Tensor weight() {
    return weight;
  }

  /** How many constraints it serves. */
  public final long numConstraints() {
    return weight.size(0);
  }

  /** Where {@link #weight()} lies. */
  public final Device device() {
    return weight.device();
  }

  @Override
  public final List<Tensor> parameters() {
    return List.of(weight);
  }

  @Override
  public void postStep() {
    if (isInequality()) {
      Native.projectNonNegative(weight);
    }
  }

  final boolean isInequality() {
    return constraintType().filter(type -> type == ConstraintType.INEQUALITY).isPresent();
  }

  @Override
  public final void to(Device device, ScalarType dtype) {
    Tensors.moveInPlace(weight, device, dtype);
  }

  @Override
  public final Map<String, Object> stateDict() {
    StateDict state = new StateDict();
    state.put("weight", weight.detach());
    return state;
  }

  @Override
  public final void loadStateDict(Map<String, ?> stateDict) {
    checkStateDict(stateDict);
    Tensors.copyInto(weight, (Tensor) stateDict.get("weight"));
  }

  @Override
  public final void checkStateDict(Map<String, ?> stateDict) {
    StateDict.check(Map.of("weight", weight), stateDict);
    if (isInequality()) {
      requireNonNegative((Tensor) stateDict.get("weight"));
    }
  }

  @Override
  public final void sanityCheck() {
    if (isInequality()) {
      requireNonNegative(weight);
    }
  }

  private static void requireNonNegative(Tensor values) {
    if (Tensors.anyNegative(values)) {
      throw new IllegalArgumentException(
          "a multiplier of an inequality constraint has a negative entry; all must be >= 0");
    }
  }

  @Override
  public String toString() {
    return getClass().getSimpleName() + "(num_constraints=" + numConstraints() + ")";
  }

  static Tensor zeros(long numConstraints, Device device, ScalarType dtype) {
    if (numConstraints < 1) {
      throw new IllegalArgumentException(
          "num_constraints is " + numConstraints + "; a multiplier serves at least one constraint");
    }
    Cuda.check(device);
    return Tensors.zeros(new long[] {numConstraints}, device, dtype);
  }

  static Tensor copyOf(Tensor init) {
    if (init.dim() != 1) {
      throw new IllegalArgumentException(
          "init has shape " + Tensors.shape(init) + "; expected [num_constraints]");
    }
    Tensors.requireFloatingPoint(init, "init");
    return init.detach().clone();
  }
}
