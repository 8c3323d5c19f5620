// What a Term must satisfy before a step may touch anything.
#pragma once

#include "cooper4j/lagrangian.h"

namespace cooper4j {

/// Throws std::invalid_argument unless the loss, which is defined, is a floating point scalar.
void check_loss(const at::Tensor& loss);

/// Throws std::invalid_argument naming term `k` unless the side's tensors fit together.
void check_term(const Term& term, size_t k, Side side);

/// The violation with at least one dimension, as Cooper's extract_violations gives it.
inline at::Tensor at_least_1d(const at::Tensor& t) { return t.dim() == 0 ? t.unsqueeze(0) : t; }

}  // namespace cooper4j
