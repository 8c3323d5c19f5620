package org.cooper4j.solver;

import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.internal.Tensors;
import org.cooper4j.multipliers.Multiplier;

/** The primal variables as one vector [n], and its bounds. */
final class Variables {
  private final List<Tensor> tensors;
  private final List<String> kinds; // dtypes and shapes
  private final long size;
  private Tensor lower;
  private Tensor upper;

  /**
   * @throws IllegalArgumentException naming the variable that a solver cannot move
   */
  Variables(List<Tensor> tensors, ConstrainedMinimizationProblem<?> problem) {
    if (tensors.isEmpty()) {
      throw new IllegalArgumentException("no variable was given; give at least one");
    }
    Set<Long> multipliers = new HashSet<>();
    for (Multiplier multiplier : problem.multipliers()) {
      multiplier.parameters().forEach(weight -> multipliers.add(Tensors.identity(weight)));
    }
    Set<Long> seen = new HashSet<>();
    for (int i = 0; i < tensors.size(); i++) {
      String self = "variable " + i;
      Tensor tensor = tensors.get(i);
      Tensors.requireTensor(tensor, self);
      self += " (" + Tensors.describe(tensor) + ")";
      ScalarType dtype = tensor.scalar_type().intern();
      if (dtype != ScalarType.Float && dtype != ScalarType.Double) {
        throw new IllegalArgumentException(self + " must be float32 or float64");
      }
      if (!Tensors.isDense(tensor) || tensor.is_meta()) {
        throw new IllegalArgumentException(self + " must be a dense tensor that has values");
      }
      if (!tensor.requires_grad() || !tensor.is_leaf()) {
        throw new IllegalArgumentException(
            self + " is no leaf that requires grad; call requires_grad_(true) on the variable");
      }
      if (tensor.numel() == 0) {
        throw new IllegalArgumentException(self + " has no elements");
      }
      Tensor first = tensors.get(0);
      if (dtype != first.scalar_type().intern() || !tensor.device().equals(first.device())) {
        throw new IllegalArgumentException(
            self
                + " lies on "
                + tensor.device().str().getString()
                + ", variable 0 ("
                + Tensors.describe(first)
                + ") on "
                + first.device().str().getString()
                + "; all variables need one dtype and device");
      }
      if (multipliers.contains(Tensors.identity(tensor))) {
        throw new IllegalArgumentException(
            self + " is a multiplier of the problem; give the primal variables alone");
      }
      if (!seen.add(Tensors.identity(tensor))) {
        throw new IllegalArgumentException(self + " was given twice");
      }
    }
    this.tensors = List.copyOf(tensors);
    requireMovable();
    kinds = tensors.stream().map(Tensors::describe).toList();
    size = tensors.stream().mapToLong(Tensor::numel).sum();
  }

  List<Tensor> tensors() {
    return tensors;
  }

  boolean isFloat64() {
    return tensors.get(0).scalar_type().intern() == ScalarType.Double;
  }

  /**
   * @throws IllegalArgumentException naming a variable that was closed, or has become another
   *     tensor
   */
  void requireUnchanged() {
    for (int i = 0; i < tensors.size(); i++) {
      Tensors.requireTensor(tensors.get(i), "variable " + i);
      String now = Tensors.describe(tensors.get(i));
      if (!now.equals(kinds.get(i))) {
        throw new IllegalArgumentException(
            "variable "
                + i
                + " was "
                + kinds.get(i)
                + " when the solver was made, and is "
                + now
                + "; make the solver after that change");
      }
    }
  }

  /**
   * @throws IllegalArgumentException as {@link #requireUnchanged}
   * @throws IllegalStateException naming a variable that is no longer where {@link #moveTo} put it
   */
  void requireAt(Tensor x) {
    requireUnchanged();
    try (PointerScope temporaries = new PointerScope()) {
      Tensor now = position();
      if (now.equal(x) || torch.allclose(now, x, 0, 0, true)) {
        return;
      }
      long at = 0;
      for (int i = 0; i < tensors.size(); i++) {
        long numel = tensors.get(i).numel();
        if (!now.narrow(0, at, numel).equal(x.narrow(0, at, numel))) {
          throw new IllegalStateException(
              "computeCMPState changed variable "
                  + i
                  + " in place; it must leave the solver's variables where they are: hold bounds"
                  + " with bounds(), and change a clone()");
        }
        at += numel;
      }
    }
  }

  /**
   * @throws IllegalArgumentException naming a variable whose elements cannot be moved one by one
   */
  void requireMovable() {
    Map<Long, Integer> places = new HashMap<>();
    for (int i = 0; i < tensors.size(); i++) {
      Tensor tensor = tensors.get(i);
      if (overlaps(tensor)) {
        throw new IllegalArgumentException(
            "variable "
                + i
                + " ("
                + Tensors.describe(tensor)
                + ") has elements that share their memory, as expand() leaves them; give a clone()"
                + " of it to the solver, or what was expanded");
      }
      Integer other = places.putIfAbsent(tensor.data_ptr().address(), i);
      if (other != null) {
        throw new IllegalArgumentException(
            "variable " + i + " shares its memory with variable " + other + "; give one of them");
      }
    }
  }

  /** Whether a stride, from the smallest up, is within what smaller ones reach already. */
  private static boolean overlaps(Tensor tensor) {
    long[] order =
        LongStream.range(0, tensor.dim())
            .filter(dimension -> tensor.size(dimension) > 1)
            .boxed()
            .sorted(Comparator.comparingLong(tensor::stride))
            .mapToLong(Long::longValue)
            .toArray();
    long reach = 0;
    for (long dimension : order) {
      if (tensor.stride(dimension) <= reach) {
        return true;
      }
      reach += tensor.stride(dimension) * (tensor.size(dimension) - 1);
    }
    return false;
  }

  long size() {
    return size;
  }

  /** Where the variables are, copied. */
  Tensor position() {
    TensorVector parts = new TensorVector();
    tensors.forEach(tensor -> parts.push_back(tensor.detach().flatten()));
    return torch.cat(parts);
  }

  /**
   * Puts the variables there.
   *
   * @throws IllegalArgumentException as {@link #requireUnchanged}; nothing moves then
   */
  void moveTo(Tensor x) {
    requireUnchanged();
    try (PointerScope temporaries = new PointerScope();
        NoGradGuard noGrad = new NoGradGuard()) {
      long at = 0;
      for (Tensor tensor : tensors) {
        tensor.copy_(x.narrow(0, at, tensor.numel()).view_as(tensor));
        at += tensor.numel();
      }
    }
  }

  Box box() {
    return new Box(lower, upper);
  }

  /**
   * Bounds a variable.
   *
   * @param low of the variable's shape, or a scalar
   * @param high likewise
   * @throws IllegalArgumentException if it is none of these variables, or there is no point within
   */
  void bound(Tensor variable, Tensor low, Tensor high) {
    Tensors.requireTensor(variable, "the bounded variable");
    Tensors.requireTensor(low, "the lower bound");
    Tensors.requireTensor(high, "the upper bound");
    long at = 0;
    for (Tensor tensor : tensors) {
      if (Tensors.identity(tensor) == Tensors.identity(variable)) {
        set(tensor, at, low, high);
        return;
      }
      at += tensor.numel();
    }
    throw new IllegalArgumentException(
        "the bounded variable " + Tensors.describe(variable) + " is none of the solver's");
  }

  private void set(Tensor tensor, long at, Tensor low, Tensor high) {
    try (PointerScope temporaries = new PointerScope()) {
      Tensor from = spread(low, tensor, "the lower bound");
      Tensor to = spread(high, tensor, "the upper bound");
      if (!from.le(to).all().item_bool()) {
        throw new IllegalArgumentException(
            "a lower bound is above its upper bound, or one is NaN; there is no point between");
      }
      Tensor finite =
          from.lt(new Scalar(Double.POSITIVE_INFINITY))
              .logical_and(to.gt(new Scalar(Double.NEGATIVE_INFINITY)));
      if (!finite.all().item_bool()) {
        throw new IllegalArgumentException(
            "a lower bound is infinity, or an upper one -infinity, as "
                + Tensors.dtype(tensor)
                + "; there is no finite point between: -infinity is no lower bound, infinity no"
                + " upper one");
      }
      if (lower == null) {
        Tensor all = torch.ones(new long[] {size()}, tensor.detach().options());
        lower = Tensors.keep(all.mul(new Scalar(Double.NEGATIVE_INFINITY)));
        upper = Tensors.keep(all.mul(new Scalar(Double.POSITIVE_INFINITY)));
      }
      lower.narrow(0, at, tensor.numel()).copy_(from);
      upper.narrow(0, at, tensor.numel()).copy_(to);
    }
  }

  private static Tensor spread(Tensor bound, Tensor tensor, String what) {
    if (bound.numel() != 1) {
      Tensors.requireSameShape(tensor, bound, what);
    }
    Tensor values = bound.detach().to(tensor.device(), tensor.scalar_type()).flatten();
    return values.expand(tensor.numel());
  }
}
