// Plain loops over memory for tensors so small that an ATen call costs more than its work.
#pragma once

#include <ATen/core/Tensor.h>

namespace cooper4j::optim {

/// Measured with SGD: from here on the vectorised kernels win.
constexpr int64_t kDirectNumel = 512;

/// Whether memory has the elements as they are: not so of a negated view, or of a zero tensor of
/// forward-mode AD, which has none.
inline bool holds_its_values(const at::Tensor& t) { return !t.is_neg() && !t._is_zerotensor(); }

/// Whether a plain loop may walk the memory of `t` beside that of a tensor of type `dtype`.
inline bool is_direct(const at::Tensor& t, at::ScalarType dtype) {
  return t.defined() && t.is_cpu() && t.layout() == at::kStrided && t.scalar_type() == dtype &&
         t.is_contiguous() && holds_its_values(t);
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

/// Tells autograd that elements change, as ATen's own in-place operations do.
inline void bump_version(const at::Tensor& t) {
  if (!t.is_inference()) t.unsafeGetTensorImpl()->bump_version();
}

/// The elements to write; tells autograd.
template <typename T>
inline T* written(const at::Tensor& t) {
  bump_version(t);
  return t.mutable_data_ptr<T>();
}

}  // namespace cooper4j::optim
