// Penalty coefficients, after cooper.penalty_coefficients.
//
// A coefficient is a torch::nn::Module with the buffers `value` and `init`, and no parameter: only
// update_penalty() and set_value() change it.
//
// Ownership: constraints share it by std::shared_ptr; the initial value is copied.
// Threads:   one thread at a time.
// Errors:    std::invalid_argument; nothing was made or changed.
#pragma once

#include <torch/nn/module.h>

#include "cooper4j/export.h"

namespace cooper4j {

/// cooper.penalty_coefficients.PenaltyCoefficient: c >= 0, a scalar [] or [num_constraints].
class COOPER4J_EXPORT PenaltyCoefficient : public torch::nn::Module {
 public:
  const at::Tensor& value() const { return value_; }
  const at::Tensor& init() const { return init_; }  ///< what a restart returns to
  bool indexed() const { return indexed_; }

  /// Copies `values`, which have the shape of value().
  void set_value(const at::Tensor& values);

 protected:
  PenaltyCoefficient(const at::Tensor& init, bool indexed);

 private:
  at::Tensor value_;
  at::Tensor init_;
  bool indexed_;
};

/// For constraints that are all observed at every step, or one coefficient for all of them.
class COOPER4J_EXPORT DensePenaltyCoefficient final : public PenaltyCoefficient {
 public:
  explicit DensePenaltyCoefficient(const at::Tensor& init);
  /// One float32 coefficient.
  explicit DensePenaltyCoefficient(double init);
};

/// For constraints of which each step observes a few, named by int64 indices.
class COOPER4J_EXPORT IndexedPenaltyCoefficient final : public PenaltyCoefficient {
 public:
  explicit IndexedPenaltyCoefficient(const at::Tensor& init);
};

}  // namespace cooper4j
