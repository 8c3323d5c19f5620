package org.cooper4j.benchmarks;

import java.util.concurrent.TimeUnit;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.Threads;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.GradientHook;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Time and heap allocation of a roll; examples/benchmarks/run.py runs it beside the others. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class RollBenchmark {
  /** See {@link Problem#of}. */
  @Param("mnist")
  String problem;

  /** As {@link Threads#setNumThreads} takes it. */
  @Param("1")
  int threads;

  private Problem cmp;
  private CooperOptimizer<Void> optimizer;

  /** Builds the problem and its optimizers. */
  @Setup
  public void build() {
    Threads.setNumThreads(threads);
    torch.manual_seed(0);
    cmp = Problem.of(problem);
    optimizer =
        cmp.constraints().isEmpty()
            ? new UnconstrainedOptimizer<>(cmp, cmp.primalOptimizer())
            : new SimultaneousOptimizer<>(cmp, cmp.primalOptimizer(), cmp.dualOptimizer());
    if (problem.endsWith("-clipped")) {
      optimizer.beforePrimalStep(GradientHook.clipNorm(1.0));
    }
  }

  /** One step of training. */
  @Benchmark
  public RollOut roll() {
    RollOut out = optimizer.roll();
    cmp.after(out);
    return out;
  }
}
