// The rows that a sparse gradient names, walked in place: an ATen call for each step of it would
// cost more than the few hundred rows of a batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>

#include "data_of.h"
#include "optim/direct.h"

namespace cooper4j::optim {

/// Whether a plain loop may use the indices as rows of `table`.
inline bool are_rows_of(const at::Tensor& table, const at::Tensor& indices) {
  if (table.dim() == 0 || !is_direct(indices, at::kLong)) return false;
  const int64_t* row = data_of<int64_t>(indices);
  return std::all_of(row, row + indices.numel(),
                     [n = table.size(0)](int64_t i) { return i >= 0 && i < n; });
}

/// Whether with_rows takes the parameter with its sparse gradient.
inline bool has_direct_rows(const at::Tensor& param) {
  const at::Tensor& gradient = param.grad();
  if (!gradient.is_sparse() || gradient.sparse_dim() != 1 || !is_direct_float(param)) return false;
  const at::Tensor indices = gradient._indices();
  const at::Tensor values = gradient._values();
  return is_direct(values, param.scalar_type()) && are_rows_of(param, indices) &&
         values.numel() * param.size(0) == indices.numel() * param.numel();
}

/// Calls body(param's element, gradient's element) for every element of every named row.
template <typename Body>
void with_rows(const at::Tensor& param, Body body) {
  const at::Tensor indices = param.grad()._indices();
  const at::Tensor values = param.grad()._values();
  if (values.numel() == 0) return bump_version(param);
  const int64_t width = values.numel() / indices.numel();
  with_element_type(param, [&](auto zero) {
    using T = decltype(zero);
    const int64_t* row = data_of<int64_t>(indices);
    const T* gradient = data_of<T>(values);
    T* theta = written<T>(param);
    for (int64_t i = 0, n = indices.numel(); i < n; ++i) {
      T* at = theta + row[i] * width;
      for (int64_t j = 0; j < width; ++j) body(at[j], gradient[i * width + j]);
    }
  });
}

}  // namespace cooper4j::optim
