package org.cooper4j.golden;

import static org.cooper4j.golden.GoldenTensors.matrix;
import static org.cooper4j.golden.GoldenTensors.vector;

import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.golden.GoldenFile.MultiplierSpec;
import org.cooper4j.internal.Tensors;
import org.cooper4j.multipliers.ImplicitMultiplier;

/** The golden files' implicit multiplier: Linear(k, 1), then relu if the file says so. */
final class LinearMultiplier extends ImplicitMultiplier {
  private final Tensor weight;
  private final Tensor bias;
  private final boolean relu;

  LinearMultiplier(MultiplierSpec spec, ScalarType dtype) {
    weight = matrix(new double[][] {spec.weight()}, dtype).requires_grad_(true);
    bias = vector(new double[] {spec.bias()}, dtype).requires_grad_(true);
    relu = spec.relu();
  }

  @Override
  public Tensor forward(Tensor features) {
    Tensor value = torch.linear(features, weight, new TensorOptional(bias)).flatten();
    return relu ? value.relu() : value;
  }

  @Override
  public List<Tensor> parameters() {
    return List.of(weight, bias);
  }

  @Override
  public Map<String, Object> stateDict() {
    StateDict state = new StateDict();
    state.put("linear.weight", weight.detach());
    state.put("linear.bias", bias.detach());
    return state;
  }

  @Override
  public void to(Device device, ScalarType dtype) {
    throw new UnsupportedOperationException("a golden case stays where it was made");
  }

  @Override
  public void loadStateDict(Map<String, ?> stateDict) {
    checkStateDict(stateDict);
    named().forEach((name, tensor) -> Tensors.copyInto(tensor, (Tensor) stateDict.get(name)));
  }

  @Override
  public void checkStateDict(Map<String, ?> stateDict) {
    StateDict.check(named(), stateDict);
  }

  private Map<String, Tensor> named() {
    return Map.of("linear.weight", weight, "linear.bias", bias);
  }
}
