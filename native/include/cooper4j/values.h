// Values of tensors as plain numbers, for logs and decisions.
//
// Errors: c10::Error from LibTorch, such as for a meta tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "cooper4j/export.h"

namespace cooper4j {

/// Writes the elements of all tensors to `out`, one tensor after another in row-major order. They
/// are dense and real, of any dtype and device. One copy, and one wait, for each device but the CPU.
COOPER4J_EXPORT void read_values(const std::vector<at::Tensor>& tensors, double* out);

}  // namespace cooper4j
