package org.cooper4j.internal;

import static org.bytedeco.pytorch.global.torch.isFloatingType;

import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Small things that several packages do with tensors. */
public final class Tensors {
  private static final long MAX_GENERATOR_BYTES = 1 << 16; // the CPU's has 5056, CUDA's 16

  static {
    Native.load();
  }

  private Tensors() {}

  /** Lets a pointer outlive the PointerScope it was made in. */
  public static <P extends Pointer> P keep(P pointer) {
    pointer.retainReference();
    return pointer;
  }

  /** Which tensor this is, whatever Java objects name it. */
  public static long identity(Tensor tensor) {
    return tensor.unsafeGetTensorImpl().address();
  }

  /** Dtype and shape, of any tensor. */
  public static String describe(Tensor tensor) {
    if (tensor.isNull()) {
      return "(released)";
    }
    return tensor.defined() ? dtype(tensor) + shape(tensor) : "(undefined)";
  }

  public static String shape(Tensor tensor) {
    return Arrays.toString(tensor.shape());
  }

  /** PyTorch's name of a dtype, such as float32. */
  public static String dtype(Tensor tensor) {
    ScalarType type = tensor.scalar_type().intern();
    return switch (type) {
      case Float -> "float32";
      case Double -> "float64";
      case Half -> "float16";
      case Byte -> "uint8";
      case Char -> "int8";
      case Short -> "int16";
      case Int -> "int32";
      case Long -> "int64";
      case ComplexHalf -> "complex32";
      case ComplexFloat -> "complex64";
      case ComplexDouble -> "complex128";
      default -> type.toString().toLowerCase(java.util.Locale.ROOT);
    };
  }

  public static Tensor zeros(long[] shape, Device device, ScalarType dtype) {
    Tensor zeros = torch.zeros(shape, new TensorOptions(dtype).device(new DeviceOptional(device)));
    requireFloatingPoint(zeros, "dtype");
    return zeros;
  }

  /** A float32 scalar on the CPU. */
  public static Tensor scalar(double value) {
    return torch.scalar_tensor(new Scalar((float) value), new TensorOptions(ScalarType.Float));
  }

  /** Moves and/or converts a leaf in place, so that optimizers keep what they hold. */
  public static void moveInPlace(Tensor tensor, Device device, ScalarType dtype) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      Tensor data = tensor.detach();
      if (dtype != null) {
        data = data.to(dtype);
        requireFloatingPoint(data, "dtype");
      }
      if (device != null) {
        data = data.to(device, data.scalar_type());
      }
      tensor.set_data(data);
    }
  }

  /**
   * A generator's state, uint8 [n], for {@code Generator.set_state}: a copy on the CPU. Of a view
   * into another tensor LibTorch would read beyond that tensor's end, and the process would crash.
   *
   * @throws IllegalArgumentException if it is too large for a state; it is not copied then, as an
   *     expanded tensor may stand for more than there is memory
   */
  public static Tensor generatorState(Tensor state) {
    if (state.numel() > MAX_GENERATOR_BYTES) {
      throw new IllegalArgumentException("it is too large");
    }
    return state.cpu().contiguous().clone();
  }

  /** Overwrites values, converting dtype and device as torch's copy_ does. */
  public static void copyInto(Tensor target, Tensor source) {
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      target.copy_(source);
    }
  }

  /**
   * That no entry is NaN, infinite or, if asked for, negative. Waits for a CUDA device. Meta
   * tensors have no values.
   */
  public static void requireValues(Tensor values, boolean nonNegative, String what) {
    if (values.is_meta()) {
      return;
    }
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      Tensor finite = values.isfinite();
      Tensor good = nonNegative ? finite.logical_and(values.ge(new Scalar(0.0))) : finite;
      if (good.all().item_bool()) {
        return;
      }
      throw new IllegalArgumentException(
          what
              + (finite.all().item_bool()
                  ? " has a negative entry; all must be >= 0"
                  : " has a NaN or infinite entry, as " + dtype(values) + "; all must be finite"));
    }
  }

  /** Whether it is laid out by strides, and not sparse in one of the ways there are. */
  public static boolean isDense(Tensor tensor) {
    return tensor.layout().intern() == torch.Layout.Strided;
  }

  /** Whether {@link #requireTensor} passes. */
  public static boolean hasValues(Tensor tensor) {
    return tensor != null && !tensor.isNull() && tensor.defined();
  }

  /** That there is a tensor: not null, not closed by hand or by a PointerScope, not undefined. */
  public static void requireTensor(Tensor tensor, String what) {
    if (tensor == null) {
      throw new IllegalArgumentException(what + " is null; expected a tensor");
    }
    if (tensor.isNull()) {
      throw new IllegalArgumentException(
          what
              + " was released, by close() or with the PointerScope it was made in; make it outside,"
              + " or keep it with retainReference()");
    }
    if (!tensor.defined()) {
      throw new IllegalArgumentException(
          what + " is an undefined tensor; expected one with values");
    }
  }

  public static boolean isFloatingPoint(Tensor tensor) {
    return isFloatingType(tensor.scalar_type());
  }

  public static void requireFloatingPoint(Tensor tensor, String what) {
    if (!isFloatingPoint(tensor)) {
      throw new IllegalArgumentException(
          what + " is " + dtype(tensor) + "; expected a floating point dtype, such as float32");
    }
  }

  /** That every index names one of so many rows; on CUDA its kernels assert that. */
  public static void requireIndices(Tensor indices, long rows) {
    if (indices == null) {
      throw new IllegalArgumentException("no indices were given; expected an int64 tensor [m]");
    }
    if (indices.scalar_type().intern() != ScalarType.Long) {
      throw new IllegalArgumentException("indices are " + dtype(indices) + "; expected int64");
    }
    if (!indices.is_cpu() || indices.numel() == 0) {
      return;
    }
    try (PointerScope temporaries = new PointerScope()) {
      long least = indices.min().item_long();
      long most = indices.max().item_long();
      if (least < 0 || most >= rows) {
        throw new IllegalArgumentException(
            "the index "
                + (least < 0 ? least : most)
                + " is none of "
                + rows
                + " entries; an index is at least 0 and below that");
      }
    }
  }

  /** The values in another dtype, in which a large one may be infinite. */
  public static Tensor as(ScalarType dtype, Tensor values) {
    return values.detach().to(dtype);
  }

  public static void requireSameShape(Tensor expected, Tensor found, String what) {
    if (!Arrays.equals(expected.shape(), found.shape())) {
      throw new IllegalArgumentException(
          what + ": expected shape " + shape(expected) + ", found " + shape(found));
    }
  }
}
