package org.cooper4j.benchmarks;

import java.nio.file.Path;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.examples.TorchScript;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.rates.RateContext;
import org.cooper4j.rates.Rates;

/** The fairness tutorial's network on batches of 1024, with recalls of K groups; 0 for none. */
final class GroupRates extends Problem {
  private final JitModule model =
      TorchScript.load(
          Path.of(System.getProperty("cooper4j.examples.data", "examples/data"))
              .resolve("adult/classifier.pt"),
          new Device("cpu"));
  private final Tensor inputs = torch.randint(5, new long[] {1024, 11}).to(ScalarType.Long);
  private final Tensor labels = torch.rand(1024).lt(new Scalar(0.3)).to(ScalarType.Float);
  private final int groups;
  private final Tensor codes;
  private final Constraint recalls;

  GroupRates(int groups) {
    this.groups = groups;
    codes = torch.randint(Math.max(groups, 1), new long[] {1024}).to(ScalarType.Long);
    recalls =
        groups == 0
            ? null
            : register(
                "recalls", new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(groups)));
  }

  @Override
  Optimizer primalOptimizer() {
    return new Adam(TorchScript.parameters(model), new AdamOptions(1e-3));
  }

  @Override
  public CMPState computeCMPState(Void nothing) {
    Tensor logits = TorchScript.forward(model, inputs);
    CMPState state = CMPState.of(torch.binary_cross_entropy_with_logits(logits, labels));
    return groups == 0
        ? state
        : state.observe(
            recalls,
            Rates.truePositiveRate(RateContext.of(logits, labels).groupBy(codes, groups))
                .atLeast(0.9));
  }
}
