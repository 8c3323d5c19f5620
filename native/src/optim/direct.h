// Plain loops over memory for tensors so small that an ATen call costs more than its work.
#pragma once

#include <ATen/core/Tensor.h>

namespace cooper4j::optim {

/// Measured with SGD: from here on the vectorised kernels win.
constexpr int64_t kDirectNumel = 512;

/// Whether a plain loop may walk the memory of `t` beside that of a tensor of type `dtype`.
inline bool is_direct(const at::Tensor& t, at::ScalarType dtype) {
  return t.defined() && t.is_cpu() && t.layout() == at::kStrided && t.scalar_type() == dtype &&
         t.is_contiguous() && !t.is_neg();
}

/// The same of a tensor of a type that with_element_type knows.
inline bool is_direct_float(const at::Tensor& t) {
  return (t.scalar_type() == at::kFloat || t.scalar_type() == at::kDouble) &&
         is_direct(t, t.scalar_type());
}

inline bool is_direct(const at::Tensor& t) {
  return t.numel() <= kDirectNumel && is_direct_float(t);
}

/// Calls `body` with a zero of the element type of `t`, which is_direct accepted.
template <typename Body>
inline void with_element_type(const at::Tensor& t, Body body) {
  if (t.scalar_type() == at::kFloat) {
    body(float{});
  } else {
    body(double{});
  }
}

/// The elements to write; tells autograd, as ATen's own in-place operations do.
template <typename T>
inline T* written(const at::Tensor& t) {
  if (!t.is_inference()) t.unsafeGetTensorImpl()->bump_version();
  return t.mutable_data_ptr<T>();
}

}  // namespace cooper4j::optim
