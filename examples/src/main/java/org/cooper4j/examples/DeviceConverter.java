package org.cooper4j.examples;

import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a device: {@code cpu}, {@code cuda}, {@code cuda:N}, or {@code auto} for the best. */
final class DeviceConverter implements ITypeConverter<Device> {
  @Override
  public Device convert(String name) {
    if (name.equals("auto")) {
      return new Device(torch.cuda_is_available() ? "cuda" : "cpu");
    }
    if (!name.matches("cpu|cuda(:[0-9]{1,2})?")) {
      throw new TypeConversionException("expected cpu, cuda, cuda:N or auto, found '" + name + "'");
    }
    if (!name.equals("cpu") && !torch.cuda_is_available()) {
      throw new TypeConversionException(
          "'" + name + "' needs a CUDA device and LibTorch's CUDA build; use cpu or auto");
    }
    int count = torch.cuda_device_count();
    if (name.contains(":") && Integer.parseInt(name.substring(5)) >= count) {
      throw new TypeConversionException(
          "'" + name + "' does not exist; the last CUDA device is cuda:" + (count - 1));
    }
    return new Device(name);
  }
}
