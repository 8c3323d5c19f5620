package org.cooper4j.golden;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.OptimizerOptions;
import org.bytedeco.pytorch.OptimizerParamGroupVector;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.golden.GoldenFile.Case;
import org.cooper4j.golden.GoldenFile.OptimizerSpec;
import org.cooper4j.golden.GoldenFile.RateChange;
import org.cooper4j.optim.AlternatingDualPrimalOptimizer;
import org.cooper4j.optim.AlternatingPrimalDualOptimizer;
import org.cooper4j.optim.CooperOptimizer;
import org.cooper4j.optim.ExtrapolationConstrainedOptimizer;
import org.cooper4j.optim.RollOut;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.cooper4j.optim.UnconstrainedOptimizer;
import org.cooper4j.optim.torch.ExtragradientOptimizer;
import org.cooper4j.penalties.AdditivePenaltyCoefficientUpdater;
import org.cooper4j.penalties.MultiplicativePenaltyCoefficientUpdater;
import org.cooper4j.penalties.PenaltyCoefficientUpdater;

/** A golden case in cooper4j, step by step. */
final class GoldenRun {
  private final Case golden;
  private final GoldenProblem problem;
  private final CooperOptimizer<Integer> cooper;
  private final PenaltyCoefficientUpdater updater;

  GoldenRun(Case golden, ScalarType dtype) {
    this.golden = golden;
    problem = new GoldenProblem(golden, dtype);
    cooper =
        cooper(
            make(golden.primalOptimizers(), problem.primal(), dtype),
            make(golden.dualOptimizers(), problem.dual(), dtype));
    updater = updater(golden.updater());
  }

  GoldenProblem problem() {
    return problem;
  }

  CooperOptimizer<Integer> cooper() {
    return cooper;
  }

  /** Learning rates, roll, penalty coefficients: one step of schema.md. */
  RollOut step(int step) {
    if (golden.lrSchedule() != null) {
      for (RateChange change : golden.lrSchedule()) {
        if (change.step() == step) {
          scale(cooper.primalOptimizers(), change.primal());
          scale(cooper.dualOptimizers(), change.dual());
        }
      }
    }
    RollOut rollOut = cooper.roll(step);
    if (updater != null) {
      updater.step(rollOut.cmpState().observedConstraints());
    }
    return rollOut;
  }

  private static void scale(List<Optimizer> optimizers, double factor) {
    for (Optimizer optimizer : optimizers) {
      OptimizerParamGroupVector groups = optimizer.param_groups();
      for (long i = 0; i < groups.size(); i++) {
        OptimizerOptions options = groups.get(i).options();
        options.set_lr(options.get_lr() * factor);
      }
    }
  }

  private static List<Optimizer> make(
      List<OptimizerSpec> specs, Map<String, Tensor> parameters, ScalarType dtype) {
    return specs == null
        ? List.of()
        : specs.stream().map(spec -> GoldenOptimizers.make(spec, parameters, dtype)).toList();
  }

  private CooperOptimizer<Integer> cooper(List<Optimizer> primal, List<Optimizer> dual) {
    String kind = golden.optimizer().kind();
    return switch (kind) {
      case "SimultaneousOptimizer" -> new SimultaneousOptimizer<>(problem, primal, dual);
      case "AlternatingPrimalDualOptimizer" ->
          new AlternatingPrimalDualOptimizer<>(problem, primal, dual);
      case "AlternatingDualPrimalOptimizer" ->
          new AlternatingDualPrimalOptimizer<>(problem, primal, dual);
      case "ExtrapolationConstrainedOptimizer" ->
          new ExtrapolationConstrainedOptimizer<>(
              problem, extragradient(primal), extragradient(dual));
      case "UnconstrainedOptimizer" -> new UnconstrainedOptimizer<>(problem, primal);
      default -> throw new IllegalArgumentException("no optimizer of kind " + kind);
    };
  }

  private static List<ExtragradientOptimizer> extragradient(List<Optimizer> optimizers) {
    return optimizers.stream().map(ExtragradientOptimizer.class::cast).toList();
  }

  private static PenaltyCoefficientUpdater updater(JsonElement element) {
    if (element == null || element.isJsonNull()) {
      return null;
    }
    JsonObject json = element.getAsJsonObject();
    double tolerance = json.get("violation_tolerance").getAsDouble();
    boolean restart = json.get("has_restart").getAsBoolean();
    return json.get("type").getAsString().equals("Additive")
        ? new AdditivePenaltyCoefficientUpdater(
            json.get("increment").getAsDouble(), tolerance, restart)
        : new MultiplicativePenaltyCoefficientUpdater(
            json.get("growth_factor").getAsDouble(), tolerance, restart);
  }
}
