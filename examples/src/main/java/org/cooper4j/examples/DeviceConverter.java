package org.cooper4j.examples;

import org.bytedeco.pytorch.Device;
import org.cooper4j.Cuda;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a device: {@code cpu}, {@code cuda}, {@code cuda:N}, or {@code auto} for the best. */
final class DeviceConverter implements ITypeConverter<Device> {
  @Override
  public Device convert(String name) {
    // Before any Device: what loads LibTorch first decides about its threads.
    boolean cuda = Cuda.whyUnavailable().isEmpty();
    if (name.equals("auto")) {
      return new Device(cuda ? "cuda" : "cpu");
    }
    if (!name.matches("cpu|cuda(:[0-9]{1,2})?")) {
      throw new TypeConversionException("expected cpu, cuda, cuda:N or auto, found '" + name + "'");
    }
    Device device = new Device(name);
    try {
      Cuda.check(device);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
    return device;
  }
}
