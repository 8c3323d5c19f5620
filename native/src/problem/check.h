// What values of multipliers and penalty coefficients must be. Errors: std::invalid_argument.
#pragma once

#include <ATen/core/Tensor.h>

namespace cooper4j::problem {

void require_floating_point(const at::Tensor& tensor, const char* what);
void require_finite(const at::Tensor& values, const char* what);
/// Finite as well.
void require_non_negative(const at::Tensor& values, const char* what);

}  // namespace cooper4j::problem
