package org.cooper4j.distributed;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintState;
import org.cooper4j.internal.Agreement;
import org.cooper4j.internal.GradientSums;
import org.cooper4j.internal.Group;
import org.cooper4j.internal.Join;
import org.cooper4j.internal.Optimizers;
import org.cooper4j.internal.Tensors;
import org.cooper4j.optim.Evaluation;

/** An evaluation over the samples of all processes. */
final class Whole implements Evaluation {
  private final Group group;
  private final Optimizers optimizers;
  private final GradientSums gradientSums;
  private final Evaluation own;
  private final List<Tensor> entries = new ArrayList<>();
  private final List<Boolean> rows = new ArrayList<>();
  private final List<Integer> differentiable = new ArrayList<>();
  private final StringBuilder what = new StringBuilder();
  private final Join join;
  private final CMPState state;

  /**
   * Joins them.
   *
   * @param agreement compares the processes; null if nobody wants to
   * @param asks whether this process wants all to stop
   * @throws ProcessGroupException if others evaluated something else, have other variables, or do
   *     not come
   */
  Whole(
      Group group,
      Optimizers optimizers,
      Agreement agreement,
      GradientSums gradientSums,
      Evaluation own,
      boolean asks) {
    this.group = group;
    this.optimizers = optimizers;
    this.gradientSums = gradientSums;
    this.own = own;
    CMPState mine = own.state();
    what.append(mine.samples().isPresent() ? "samples\n" : "no samples\n");
    int loss = mine.loss().map(tensor -> root("the loss", tensor, false)).orElse(-1);
    // By name: the orders of observation and of keys need not be those of other processes.
    Map<String, Constraint> byName = new TreeMap<>();
    mine.observedConstraints().keySet().forEach(c -> byName.put(c.name().orElseThrow(), c));
    Map<Constraint, int[]> observed = new HashMap<>();
    byName.forEach((name, c) -> observed.put(c, add(name, mine.observedConstraints().get(c))));
    Map<String, Integer> misc = new TreeMap<>();
    new TreeMap<>(mine.misc()).forEach((key, value) -> add(key, value, misc));
    what.append("nothing more\n");
    join =
        ProcessGroup.call(
            () ->
                new Join(
                    group,
                    optimizers,
                    agreement,
                    ProcessGroup.addresses(entries),
                    rows.stream().mapToInt(row -> row ? 1 : 0).toArray(),
                    mine.samples().orElse(1),
                    what.toString(),
                    asks));
    Reference.reachabilityFence(entries);

    state = loss < 0 ? CMPState.ofViolations() : CMPState.of(join.value(loss));
    if (mine.samples().isPresent()) {
      state.samples((long) join.weight());
    }
    mine.observedConstraints().forEach((c, its) -> state.observe(c, joined(its, observed.get(c))));
    mine.misc().forEach(state::misc);
    misc.forEach(
        (key, entry) -> {
          Tensor mean = join.value(entry);
          state.misc(key, mine.misc().get(key) instanceof Number ? mean.item_double() : mean);
        });
  }

  private int root(String name, Tensor tensor, boolean hasRows) {
    differentiable.add(entries.size());
    return add(name, tensor, hasRows);
  }

  private int add(String name, Tensor tensor, boolean hasRows) {
    what.append(name).append(' ').append(hasRows ? row(tensor) : Tensors.describe(tensor));
    what.append('\n');
    entries.add(tensor);
    rows.add(hasRows);
    return entries.size() - 1;
  }

  /** Of rows every process has as many as it has. */
  private static String row(Tensor rows) {
    long[] shape = rows.shape();
    long[] one = Arrays.copyOfRange(shape, Math.min(1, shape.length), shape.length);
    return Tensors.dtype(rows) + Arrays.toString(one) + " a row";
  }

  /** The entries of a constraint's violation, strict violation and features of both; -1: none. */
  private int[] add(String name, ConstraintState its) {
    boolean hasRows =
        its.constraintFeatures().isPresent() || its.strictConstraintFeatures().isPresent();
    String self = "constraint '" + name + "': ";
    what.append(its.contributesToPrimalUpdate() ? "primal " : "")
        .append(its.contributesToDualUpdate() ? "dual " : "");
    return new int[] {
      root(self + "violation", its.violation(), hasRows),
      its.strictViolation()
          .map(t -> add(self + "strict violation", t.detach(), hasRows))
          .orElse(-1),
      its.constraintFeatures().map(t -> add(self + "features", t.detach(), true)).orElse(-1),
      its.strictConstraintFeatures()
          .map(t -> add(self + "strict features", t.detach(), true))
          .orElse(-1)
    };
  }

  /** Numbers and floating point scalars. */
  private void add(String key, Object value, Map<String, Integer> misc) {
    if (value instanceof Number number) {
      misc.put(key, add("misc " + key, Tensor.create(number.doubleValue()), false));
    } else if (value instanceof Tensor tensor
        && !tensor.isNull()
        && tensor.defined()
        && tensor.numel() == 1
        && Tensors.isFloatingPoint(tensor)) {
      misc.put(key, add("misc " + key, tensor.detach(), false));
    }
  }

  private ConstraintState joined(ConstraintState its, int[] at) {
    return ConstraintState.builder(join.value(at[0]))
        .strictViolation(value(at[1]))
        .constraintFeatures(value(at[2]))
        .strictConstraintFeatures(value(at[3]))
        .contributesToPrimalUpdate(its.contributesToPrimalUpdate())
        .contributesToDualUpdate(its.contributesToDualUpdate())
        .build();
  }

  private Tensor value(int entry) {
    return entry < 0 ? null : join.value(entry);
  }

  @Override
  public CMPState state() {
    return state;
  }

  /** Whether any process wants all to stop. */
  boolean isAskedToStop() {
    return join.asked();
  }

  @Override
  public String notFinite() {
    return join.notFinite();
  }

  @Override
  public void backward(List<Tensor> roots, List<Tensor> gradients) {
    Evaluation.pass(roots, gradients);
    List<Tensor> ownRoots = new ArrayList<>();
    List<Tensor> ownGradients = new ArrayList<>();
    for (int entry : differentiable) {
      Tensor gradient = join.gradient(entry);
      if (gradient.defined()) {
        ownRoots.add(entries.get(entry));
        ownGradients.add(gradient.reshape(entries.get(entry).shape()));
      }
    }
    own.backward(ownRoots, ownGradients);
    ProcessGroup.run(() -> gradientSums.sum(group, optimizers));
  }
}
