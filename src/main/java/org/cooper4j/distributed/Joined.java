package org.cooper4j.distributed;

import java.io.ByteArrayOutputStream;
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
import org.cooper4j.checkpoint.LoadOptions;
import org.cooper4j.internal.GradientSums;
import org.cooper4j.internal.Group;
import org.cooper4j.internal.Optimizers;
import org.cooper4j.internal.Tensors;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.Evaluation;
import org.cooper4j.optim.Replicas;

/** An optimizer that rolls over the samples of all processes. */
final class Joined implements Replicas.Replica {
  private final Group group;
  private final Optimizers optimizers;
  private final GradientSums gradientSums;

  Joined(ProcessGroup processGroup, CooperOptimizer<?> optimizer) {
    group = processGroup.group();
    optimizers =
        Tensors.keep(new Optimizers(optimizer.primalOptimizers(), optimizer.dualOptimizers()));
    gradientSums = Tensors.keep(new GradientSums());
    ProcessGroup.run(() -> group.agree(signature(optimizer)));
    try (PointerScope temporaries = new PointerScope()) {
      List<Tensor> variables = new ArrayList<>();
      Optimizers.forEachParameter(optimizer.primalOptimizers(), variables::add);
      processGroup.broadcast(variables);
      shareStates(processGroup, optimizer);
    }
  }

  /** What is the same in all processes, a line a thing. */
  private static String signature(CooperOptimizer<?> optimizer) {
    StringBuilder text = new StringBuilder();
    text.append("distribute ").append(optimizer.getClass().getSimpleName()).append('\n');
    describe(text, "primal", optimizer.primalOptimizers());
    describe(text, "dual", optimizer.dualOptimizers());
    optimizer.cmp().namedConstraints().forEach((name, its) -> describe(text, name, its));
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
  private static void shareStates(ProcessGroup group, CooperOptimizer<?> optimizer) {
    byte[] own = new byte[0];
    if (group.rank() == 0) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      Checkpoint.save(
          out, Map.of("problem", optimizer.cmp().stateDict(), "optimizer", optimizer.stateDict()));
      own = out.toByteArray();
    }
    Tensor length = Tensor.create(new long[] {own.length}, 1);
    group.broadcast(List.of(length));
    int n = Math.toIntExact(length.item_long());
    Tensor bytes = Tensor.create(group.rank() == 0 ? own : new byte[n], false, n);
    group.broadcast(List.of(bytes));
    if (group.rank() > 0) {
      byte[] file = new byte[n];
      bytes.data_ptr_byte().get(file);
      Checkpoint state = Checkpoint.load(file, new LoadOptions());
      optimizer.cmp().loadStateDict(state.map("problem").asMap());
      optimizer.loadStateDict(state.map("optimizer").asMap());
    }
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
    return new Whole(group, optimizers, gradientSums, own);
  }

  @Override
  public void fail(Throwable reason) {
    String text = reason.getMessage();
    group.fail(
        reason.getClass().getSimpleName()
            + (text == null ? "" : ": " + text.lines().findFirst().orElse("")));
  }
}
