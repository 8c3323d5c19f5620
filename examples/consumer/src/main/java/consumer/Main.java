package consumer;

import static org.bytedeco.pytorch.global.torch.zeros;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;

/** min x² + y² subject to x + y = 1, and a checkpoint of the result. */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws Exception {
    Constraint sum = new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(1));
    Tensor xy = zeros(2).requires_grad_(true);
    var problem =
        ConstrainedMinimizationProblem.<Void>of(
            Map.of("sum", sum),
            batch -> CMPState.of(xy.square().sum()).observe(sum, xy.sum().sub(new Scalar(1))));
    var optimizer =
        new SimultaneousOptimizer<>(
            problem,
            new SGD(new TensorVector(xy), new SGDOptions(0.1)),
            new SGD(problem.dualParameters(), new SGDOptions(0.1)));
    for (int i = 0; i < 500; i++) {
      optimizer.roll();
    }

    Path file = Files.createTempFile("consumer", ".pth");
    Checkpoint.save(file, Map.of("xy", xy.detach()));
    Tensor loaded = Checkpoint.load(file).tensor("xy");
    Files.delete(file);
    double x = loaded.select(0, 0).item_double();
    double y = loaded.select(0, 1).item_double();
    System.out.printf("%s: x = %.4f, y = %.4f%n", Main.class.getModule(), x, y);
    if (Math.abs(x - 0.5) > 1e-4 || Math.abs(y - 0.5) > 1e-4) {
      throw new AssertionError("expected x = y = 0.5");
    }
  }
}
