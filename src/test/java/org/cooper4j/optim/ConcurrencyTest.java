package org.cooper4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cooper4j.Devices.values;
import static org.cooper4j.Devices.vector;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.EveryDevice;
import org.cooper4j.multipliers.DenseMultiplier;
import org.junit.jupiter.api.Test;

@EveryDevice
class ConcurrencyTest {
  /** min |x − c|² s.t. x <= 1, 400 rolls: x and its multipliers. */
  private static double[] train(double c) {
    Tensor x = vector(c, -c, 0.5).requires_grad_(true);
    Tensor center = vector(c, 2 * c, 3 * c);
    Constraint bounded =
        new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(vector(0, 0, 0)));
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("bounded", bounded),
            nothing ->
                CMPState.of(x.sub(center).square().sum()).observe(bounded, x.sub(new Scalar(1.0))));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new Adam(new TensorVector(x), new AdamOptions(0.01)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)));
    for (int i = 0; i < 400; i++) {
      optimizer.roll();
    }
    double[] result = new double[6];
    System.arraycopy(values(x), 0, result, 0, 3);
    System.arraycopy(values(problem.dualParameters().get(0)), 0, result, 3, 3);
    return result;
  }

  @Test
  void problemsInSeveralThreadsDoNotDisturbEachOther() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<double[]>> found = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        double c = 0.5 + i;
        found.add(threads.submit(() -> train(c)));
      }
      for (int i = 0; i < 8; i++) {
        assertThat(found.get(i).get()).containsExactly(train(0.5 + i));
      }
    } finally {
      threads.shutdown();
    }
  }
}
