package org.cooper4j.golden;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.Devices;
import org.cooper4j.EveryDevice;
import org.cooper4j.checkpoint.OptimizerState;
import org.cooper4j.golden.GoldenFile.Operation;
import org.cooper4j.golden.GoldenFile.Sequence;
import org.cooper4j.golden.GoldenFile.SequenceTrajectory;
import org.cooper4j.optim.torch.ExtragradientOptimizer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Parameter and state of nuPI, ExtraSGD and ExtraAdam after every operation of Cooper 1.0.1's. */
@EveryDevice
class GoldenOptimizerTest {
  @TestFactory
  Stream<DynamicTest> agreesWithCooper() {
    return Stream.of("nupi", "extragradient")
        .flatMap(
            family ->
                GoldenFile.cases(family, Sequence.class).stream()
                    .flatMap(
                        golden ->
                            Stream.of("float32", "float64")
                                .map(dtype -> test(family, golden, dtype))));
  }

  private static DynamicTest test(String family, Sequence golden, String dtype) {
    String label = family + "/" + golden.name() + " " + dtype;
    var comparison = new GoldenComparison(label, GoldenTensors.tolerance(dtype));
    return dynamicTest(
        label,
        () -> {
          try (PointerScope variables = new PointerScope()) {
            run(golden, golden.trajectory().get(dtype), GoldenTensors.dtype(dtype), comparison);
          }
        });
  }

  private static void run(
      Sequence golden, SequenceTrajectory expected, ScalarType dtype, GoldenComparison comparison) {
    Tensor param =
        GoldenTensors.vector(golden.init(), dtype).reshape(golden.shape()).requires_grad_(true);
    Optimizer optimizer =
        GoldenOptimizers.make(golden.type(), new TensorVector(param), golden.options(), dtype);
    for (int step = 0; step < golden.steps().size(); step++) {
      try (PointerScope temporaries = new PointerScope()) {
        Operation operation = golden.steps().get(step);
        param.mutable_grad().put(gradient(golden, operation.grad(), dtype));
        if (operation.op().equals("extrapolation")) {
          ((ExtragradientOptimizer) optimizer).extrapolation();
        } else {
          optimizer.step();
        }
        comparison.check(step, "param", expected.param()[step], param);
        compareState(comparison, expected, step, state(optimizer, golden.maximize()));
      }
    }
  }

  /** Negated where Cooper maximizes: here, dual gradients arrive that way. */
  private static Tensor gradient(Sequence golden, JsonElement grad, ScalarType dtype) {
    if (grad == null || grad.isJsonNull()) {
      return new Tensor();
    }
    JsonElement given = grad instanceof JsonObject sparse ? sparse.get("values") : grad;
    double[] values = GoldenTensors.doubles(given);
    if (golden.maximize()) {
      values = Arrays.stream(values).map(value -> -value).toArray();
    }
    Tensor dense = GoldenTensors.vector(values, dtype);
    if (!(grad instanceof JsonObject sparse)) {
      return dense;
    }
    long[] rows =
        sparse.getAsJsonArray("indices").asList().stream()
            .mapToLong(JsonElement::getAsLong)
            .toArray();
    return torch.sparse_coo_tensor(
        Devices.indices(rows).unsqueeze(0), dense.unsqueeze(1), golden.shape());
  }

  private static Map<?, ?> state(Optimizer optimizer, boolean maximize) {
    Map<?, ?> states = (Map<?, ?>) OptimizerState.of(optimizer, maximize).get("state");
    return states.isEmpty() ? Map.of() : (Map<?, ?>) states.values().iterator().next();
  }

  private static void compareState(
      GoldenComparison comparison, SequenceTrajectory expected, int step, Map<?, ?> state) {
    expected
        .state()
        .forEach(
            (key, rows) -> {
              JsonElement row = rows.get(step);
              double[] values =
                  row == null || row.isJsonNull()
                      ? null
                      : row.isJsonArray()
                          ? GoldenTensors.doubles(row)
                          : new double[] {GoldenTensors.number(row)};
              Object found = state.get(key);
              Tensor tensor =
                  found instanceof Number number
                      ? Tensor.create(number.doubleValue())
                      : (Tensor) found;
              comparison.check(step, "state." + key, values, tensor);
            });
  }
}
