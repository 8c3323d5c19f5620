// What a Term must satisfy before a step may touch anything.
#pragma once

#include "cooper4j/lagrangian.h"

namespace cooper4j {

/// Throws std::invalid_argument unless the loss, which is defined, is a finite scalar.
void check_loss(const at::Tensor& loss);

/// Throws std::invalid_argument naming term `k` unless the side's tensors fit together; a violation
/// that was seen already is not read again.
void check_term(const Term& term, size_t k, Side side, bool violation_seen);

/// Whether a term of the primal side has something to differentiate: an empty violation has not.
/// Throws std::invalid_argument naming term `k` if it should have.
bool check_differentiable(const Term& term, size_t k);

/// Throws std::invalid_argument naming term `k` if its multiplier comes from a module that has
/// something to learn, but is not differentiable.
void check_learns(const at::Tensor& value, const Term& term, size_t k);

/// Throws std::invalid_argument naming term `k` if ∂L/∂violation overflowed.
void check_weight(const at::Tensor& weight, const Term& term, size_t k);

/// Throws std::invalid_argument naming term `k` if it is for backward_switched() alone.
void check_has_lagrangian(const Term& term, size_t k);

/// Throws std::invalid_argument naming term `k` if it is for backward() alone.
void check_is_switched(const Term& term, size_t k);

/// The violation with at least one dimension, as Cooper's extract_violations gives it.
inline at::Tensor at_least_1d(const at::Tensor& t) { return t.dim() == 0 ? t.unsqueeze(0) : t; }

}  // namespace cooper4j
