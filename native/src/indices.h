// Indices that name the rows of a table.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "data_of.h"

namespace cooper4j {

/// An int64 index that names none of the rows, if there is one. Indices on another device than the
/// CPU are taken as they are, since a look at them would wait for the device: its kernels assert.
inline std::optional<int64_t> stray_index(const at::Tensor& indices, int64_t rows) {
  if (!indices.is_cpu()) return std::nullopt;
  const at::Tensor values = indices._is_zerotensor() ? indices.clone() : indices.contiguous();
  const int64_t* index = data_of<int64_t>(values);
  const int64_t n = values.numel();
  // One unsigned comparison an index, and no branch: this loop is vectorised.
  bool stray = false;
  for (int64_t i = 0; i < n; ++i) {
    stray |= static_cast<uint64_t>(index[i]) >= static_cast<uint64_t>(rows);
  }
  if (!stray) return std::nullopt;
  while (static_cast<uint64_t>(*index) < static_cast<uint64_t>(rows)) ++index;
  return *index;
}

}  // namespace cooper4j
