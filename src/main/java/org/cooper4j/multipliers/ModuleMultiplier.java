package org.cooper4j.multipliers;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.bytedeco.pytorch.named_buffer_list;
import org.bytedeco.pytorch.named_parameter_iterator;
import org.bytedeco.pytorch.named_parameter_list;
import org.cooper4j.checkpoint.StateDict;
import org.cooper4j.internal.Tensors;

/**
 * Multipliers that a LibTorch or TorchScript module computes from the constraints' features: [m, …]
 * to [m]. The module itself has to keep those of inequalities non-negative, best by a softplus at
 * its end. A relu has no gradient where the value before it is negative, so that a multiplier that
 * is 0 there for all constraints never leaves it: if it must be a relu, give the layer before it a
 * positive bias to begin with. Its state has the names that Python's {@code module.state_dict()}
 * gives, so an {@code ImplicitMultiplier} of Cooper with the same module exchanges checkpoints with
 * it.
 */
public final class ModuleMultiplier extends ImplicitMultiplier {
  private final Pointer module;
  private final UnaryOperator<Tensor> forward;
  private final List<Tensor> parameters = new ArrayList<>();
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  /**
   * A LibTorch module.
   *
   * @param module owns the parameters
   * @param forward what it computes, such as {@code features -> module.forward(features)}
   */
  public ModuleMultiplier(Module module, UnaryOperator<Tensor> forward) {
    this.module = Objects.requireNonNull(module, "module");
    this.forward = Objects.requireNonNull(forward, "forward");
    try (PointerScope temporaries = new PointerScope()) {
      StringTensorDict named = module.named_parameters();
      for (long i = 0; i < named.size(); i++) {
        parameters.add(tensor(named.get(i).key().getString(), named.get(i).value()));
      }
      StringTensorDict buffers = module.named_buffers();
      for (long i = 0; i < buffers.size(); i++) {
        tensor(buffers.get(i).key().getString(), buffers.get(i).value());
      }
    }
  }

  /** A TorchScript module, as {@code torch.jit.load} gives it. */
  public ModuleMultiplier(JitModule module) {
    this.module = Objects.requireNonNull(module, "module");
    this.forward = features -> forward(module, features);
    try (PointerScope temporaries = new PointerScope()) {
      named_parameter_list named = module.named_parameters();
      named_parameter_iterator at = named.begin();
      for (long i = 0; i < named.size(); i++, at.increment()) {
        parameters.add(tensor(at.access().name().getString(), at.access().value()));
      }
      named_buffer_list buffers = module.named_buffers();
      var buffer = buffers.begin();
      for (long i = 0; i < buffers.size(); i++, buffer.increment()) {
        tensor(buffer.access().name().getString(), buffer.access().value());
      }
    }
  }

  private static Tensor forward(JitModule module, Tensor features) {
    try (IValue answer = module.forward(new IValueVector(new IValue(features)))) {
      return new Tensor(answer.toTensor()); // toTensor() is a view that ends with the answer
    }
  }

  /** Keeps a tensor, of which the list's element is only a view that ends with the list. */
  private Tensor tensor(String name, Tensor element) {
    Tensor kept = Tensors.keep(new Tensor(element));
    tensors.put(name, kept);
    return kept;
  }

  /** The module that computes the values: a {@code Module} or a {@code JitModule}. */
  public Pointer module() {
    return module;
  }

  @Override
  public Tensor forward(Tensor constraintFeatures) {
    return forward.apply(constraintFeatures);
  }

  @Override
  public List<Tensor> parameters() {
    return List.copyOf(parameters);
  }

  @Override
  public void to(Device device, ScalarType dtype) {
    // As torch.nn.Module.to: a buffer that counts something stays a count.
    tensors
        .values()
        .forEach(
            tensor ->
                Tensors.moveInPlace(
                    tensor, device, Tensors.isFloatingPoint(tensor) ? dtype : null));
  }

  @Override
  public Map<String, Object> stateDict() {
    StateDict state = new StateDict();
    tensors.forEach((name, tensor) -> state.put(name, tensor.detach()));
    return state;
  }

  @Override
  public void loadStateDict(Map<String, ?> stateDict) {
    checkStateDict(stateDict);
    tensors.forEach((name, tensor) -> Tensors.copyInto(tensor, (Tensor) stateDict.get(name)));
  }

  @Override
  public void checkStateDict(Map<String, ?> stateDict) {
    StateDict.check(tensors, stateDict);
    tensors.forEach(
        (name, tensor) -> {
          // A buffer may be infinite, such as a mask.
          if (tensor.requires_grad()) {
            Tensors.requireValues((Tensor) stateDict.get(name), false, name);
          }
        });
  }
}
