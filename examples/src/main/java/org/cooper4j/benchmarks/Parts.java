package org.cooper4j.benchmarks;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.cooper4j.CMPState;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.Evaluation;
import org.cooper4j.optim.Replicas;

/** Measures what a roll over several processes consists of, between the optimizer and the group. */
final class Parts implements Replicas {
  private final Replicas group;
  private final Map<String, Double> micros = new LinkedHashMap<>();

  Parts(Replicas group) {
    this.group = group;
  }

  /** Of the rolls since the last call, microseconds by name. */
  Map<String, Double> take() {
    Map<String, Double> taken = new LinkedHashMap<>(micros);
    micros.clear();
    return taken;
  }

  @Override
  public Replica join(CooperOptimizer<?> optimizer) {
    Replica replica = group.join(optimizer);
    return new Replica() {
      @Override
      public Evaluation part(Supplier<CMPState> problem) {
        return measured("forward", () -> replica.part(problem));
      }

      @Override
      public Evaluation whole(Evaluation own) {
        Evaluation whole =
            measured("values", () -> replica.whole(new Measured(own, "backward", "")));
        return new Measured(whole, "gradients", "backward");
      }

      @Override
      public void fail(Throwable reason) {
        replica.fail(reason);
      }
    };
  }

  private <T> T measured(String part, Supplier<T> action) {
    long start = System.nanoTime();
    T result = action.get();
    micros.merge(part, (System.nanoTime() - start) / 1e3, Double::sum);
    return result;
  }

  /** An evaluation whose way back is the named part, less the one inside of it. */
  private final class Measured implements Evaluation {
    private final Evaluation evaluation;
    private final String part;
    private final String inside;

    Measured(Evaluation evaluation, String part, String inside) {
      this.evaluation = evaluation;
      this.part = part;
      this.inside = inside;
    }

    @Override
    public CMPState state() {
      return evaluation.state();
    }

    @Override
    public void backward(List<Tensor> roots, List<Tensor> gradients) {
      measured(
          part,
          () -> {
            evaluation.backward(roots, gradients);
            return null;
          });
      micros.merge(part, -micros.getOrDefault(inside, 0.0), Double::sum);
    }
  }
}
