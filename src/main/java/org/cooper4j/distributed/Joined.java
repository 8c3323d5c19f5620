package org.cooper4j.distributed;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.internal.Agreement;
import org.cooper4j.internal.GradientSums;
import org.cooper4j.internal.Group;
import org.cooper4j.internal.Optimizers;
import org.cooper4j.internal.Tensors;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.Evaluation;
import org.cooper4j.optim.Replicas;

/** An optimizer that rolls over the samples of all processes. */
final class Joined implements Replicas.Replica {
  /** What follows it in a text that is agreed on is shown, but may differ. */
  private static final char TOLD = '\f';

  private final ProcessGroup processGroup;
  private final Group group;
  private final CooperOptimizer<?> optimizer;
  private final Optimizers optimizers;
  private final Agreement agreement; // null if nothing is compared
  private final GradientSums gradientSums;
  private boolean asks;
  private boolean asked;

  Joined(ProcessGroup processGroup, CooperOptimizer<?> optimizer) {
    this.processGroup = processGroup;
    group = processGroup.group();
    this.optimizer = optimizer;
    optimizers =
        Tensors.keep(new Optimizers(optimizer.primalOptimizers(), optimizer.dualOptimizers()));
    gradientSums = Tensors.keep(new GradientSums());
    ProcessGroup.run(() -> group.agree(signature(processGroup.compares(), optimizer)));
    try (PointerScope temporaries = new PointerScope()) {
      List<Tensor> variables = new ArrayList<>();
      Optimizers.forEachParameter(optimizer.primalOptimizers(), variables::add);
      processGroup.broadcast(variables);
      shareStates();
    }
    agreement = processGroup.compares() ? agreement(optimizer) : null;
  }

  @Override
  public int rank() {
    return processGroup.rank();
  }

  @Override
  public int size() {
    return processGroup.size();
  }

  @Override
  public Object broadcast(Supplier<?> first) {
    if (rank() > 0) {
      return Relay.receive(processGroup);
    }
    Object state = first.get();
    Relay.send(processGroup, state);
    return state;
  }

  @Override
  public void broadcast(List<Tensor> tensors) {
    processGroup.broadcast(tensors);
  }

  @Override
  public List<byte[]> allGather(byte[] own) {
    return processGroup.allGather(own);
  }

  @Override
  public void agree(String what, String why) {
    ProcessGroup.run(() -> group.agree(what + TOLD + why));
  }

  @Override
  public void compare(String where) {
    ProcessGroup.run(() -> group.agree(where + ", once listeners are done"));
    if (agreement != null) {
      try (PointerScope temporaries = new PointerScope()) {
        String state = Fingerprint.of(optimizer, "at " + where + " ");
        ProcessGroup.run(() -> group.compare(where + "\n" + state));
      }
    }
  }

  @Override
  public void askToStop(boolean whether) {
    asks = whether;
    asked = false;
  }

  @Override
  public boolean isAskedToStop() {
    return asked;
  }

  /** What is the same in all processes, a line a thing. */
  private static String signature(boolean compares, CooperOptimizer<?> optimizer) {
    StringBuilder text = new StringBuilder();
    text.append("distribute ").append(optimizer.getClass().getSimpleName()).append('\n');
    text.append("group.compare(").append(compares).append(")\n");
    // Before their parameters, of which this says whose they are.
    optimizer.cmp().namedConstraints().forEach((name, its) -> describe(text, name, its));
    describe(text, "primal", optimizer.primalOptimizers());
    describe(text, "dual", optimizer.dualOptimizers());
    return text.toString();
  }

  private static void describe(StringBuilder text, String name, Constraint constraint) {
    text.append("constraint '").append(name).append("': ").append(constraint.constraintType());
    text.append(", ").append(constraint.formulation().getClass().getSimpleName());
    constraint
        .multiplier()
        .ifPresent(
            multiplier -> {
              text.append(", ").append(multiplier.getClass().getSimpleName());
              multiplier
                  .parameters()
                  .forEach(parameter -> text.append(' ').append(Tensors.describe(parameter)));
            });
    constraint
        .penaltyCoefficient()
        .ifPresent(
            penalty ->
                text.append(", ")
                    .append(penalty.getClass().getSimpleName())
                    .append(' ')
                    .append(Tensors.describe(penalty.value())));
    text.append('\n');
  }

  private static void describe(
      StringBuilder text, String side, List<org.bytedeco.pytorch.Optimizer> optimizers) {
    for (var optimizer : optimizers) {
      text.append(side).append(' ').append(optimizer.getClass().getSimpleName()).append('\n');
      Optimizers.forEachParameter(
          List.of(optimizer),
          parameter ->
              text.append(side)
                  .append(" parameter ")
                  .append(Tensors.describe(parameter))
                  .append('\n'));
    }
  }

  /** Multipliers, penalty coefficients, momenta and what else rank 0 has. */
  private void shareStates() {
    Object first =
        broadcast(
            () ->
                Map.of("problem", optimizer.cmp().stateDict(), "optimizer", optimizer.stateDict()));
    if (rank() > 0) {
      Checkpoint state = Checkpoint.of(first);
      optimizer.cmp().loadStateDict(state.map("problem").asMap());
      optimizer.loadStateDict(state.map("optimizer").asMap());
    }
  }

  private static Agreement agreement(CooperOptimizer<?> optimizer) {
    Agreement agreement = Tensors.keep(new Agreement());
    optimizer
        .cmp()
        .namedConstraints()
        .forEach(
            (name, constraint) -> {
              String whose = " of constraint '" + name + "'";
              constraint
                  .multiplier()
                  .ifPresent(
                      its ->
                          its.parameters()
                              .forEach(p -> agreement.add("the multiplier" + whose, p)));
              constraint
                  .penaltyCoefficient()
                  .ifPresent(its -> agreement.add("the penalty coefficient" + whose, its.value()));
            });
    return agreement;
  }

  @Override
  public Evaluation part(Supplier<CMPState> problem) {
    group.startSums();
    CMPState state;
    try {
      state = problem.get();
    } finally {
      group.stopSums();
    }
    return new Evaluation() {
      @Override
      public CMPState state() {
        return state;
      }

      @Override
      public void backward(List<Tensor> roots, List<Tensor> gradients) {
        ProcessGroup.run(
            () ->
                group.backward(
                    ProcessGroup.addresses(roots),
                    ProcessGroup.addresses(gradients),
                    roots.size()));
        Reference.reachabilityFence(roots);
        Reference.reachabilityFence(gradients);
      }
    };
  }

  @Override
  public Evaluation whole(Evaluation own) {
    Whole whole = new Whole(group, optimizers, agreement, gradientSums, own, asks);
    asked |= whole.isAskedToStop();
    return whole;
  }

  @Override
  public void fail(Throwable reason) {
    processGroup.fail(reason);
  }
}
