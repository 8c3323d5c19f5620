package org.cooper4j.examples;

import java.nio.file.Path;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** What one does with a TorchScript model of one input and one output. */
public final class TorchScript {
  private TorchScript() {}

  /** Reads a model, without the debug files that name folders of the machine that scripted it. */
  public static JitModule load(Path file, Device device) {
    return torch.load(file.toString(), new DeviceOptional(device), false);
  }

  /** The model's answer. */
  public static Tensor forward(JitModule model, Tensor inputs) {
    try (IValue answer = model.forward(new IValueVector(new IValue(inputs)))) {
      return new Tensor(answer.toTensor()); // toTensor() is a view that ends with the answer
    }
  }

  /** For an optimizer. */
  public static TensorVector parameters(JitModule model) {
    TensorVector parameters = new TensorVector();
    var list = model.parameters();
    var at = list.begin();
    for (long i = 0; i < list.size(); i++, at.increment()) {
      parameters.push_back(at.access());
    }
    return parameters;
  }
}
