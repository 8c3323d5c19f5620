// Plain loops for tensors of a few elements, for which an ATen call costs more than its work.
#pragma once

#include <ATen/EmptyTensor.h>
#include <ATen/core/Tensor.h>

#include "data_of.h"
#include "optim/direct.h"

namespace cooper4j {

/// Whether map_small takes the tensors: small, dense, on the CPU, of one floating point type.
template <typename... Rest>
bool is_small(const at::Tensor& first, const Rest&... rest) {
  return first.defined() && optim::is_direct(first) &&
         ((rest.numel() == first.numel() && optim::is_direct(rest, first.scalar_type())) && ...);
}

/// A new tensor of `shape` with f(a[i], b[i], …) as its elements, outside of any graph.
template <typename F, typename... Rest>
at::Tensor map_small(at::IntArrayRef shape, F f, const at::Tensor& first, const Rest&... rest) {
  at::Tensor out = at::detail::empty_cpu(shape, first.options());
  optim::with_element_type(first, [&](auto zero) {
    using T = decltype(zero);
    T* to = out.mutable_data_ptr<T>();
    const T* from = data_of<T>(first);
    [&](const auto*... others) {
      for (int64_t i = 0, n = first.numel(); i < n; ++i) to[i] = f(from[i], others[i]...);
    }(data_of<T>(rest)...);
  });
  return out;
}

}  // namespace cooper4j
