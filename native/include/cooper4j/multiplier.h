// Lagrange multipliers, after cooper.multipliers.
//
// A multiplier is a torch::nn::Module, as in Python: parameters(), to() and state dicts are
// Module's. Its gradient holds the NEGATED dual gradient, since LibTorch's optimizers only descend.
//
// Ownership: constraints share it by std::shared_ptr; an initial value is copied.
// Threads:   one thread at a time.
// Errors:    std::invalid_argument; nothing was made or changed.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <optional>

#include "cooper4j/export.h"
#include "cooper4j/project.h"

namespace cooper4j {

/// cooper.ConstraintType: h(x) = 0 or g(x) <= 0.
enum class ConstraintType : uint8_t { kEquality, kInequality };

/// cooper.multipliers.Multiplier. Derive from it for an ImplicitMultiplier, whose values a module
/// computes from features; forward() of an inequality's must end in something like relu.
class COOPER4J_EXPORT Multiplier : public torch::nn::Module {
 public:
  /// The values of the observed constraints, [m], differentiable in the parameters. `features` is
  /// what the ConstraintState gave, undefined if nothing.
  virtual at::Tensor forward(const at::Tensor& features) = 0;

  /// Called after every dual step. `gradient_rows_only`: no other rows than those of a sparse
  /// gradient have moved.
  virtual void post_step(bool gradient_rows_only);

  /// Throws unless a value for its parameter suits the constraint type.
  virtual void check_value(const at::Tensor& value) const;

  bool is_inequality() const { return type_ == ConstraintType::kInequality; }

  /// Called by the constraint that takes it; constraints of one type may share a multiplier.
  void set_constraint_type(ConstraintType type);

 private:
  std::optional<ConstraintType> type_;
};

/// cooper.multipliers.ExplicitMultiplier: the values are the parameter `weight`.
class COOPER4J_EXPORT ExplicitMultiplier : public Multiplier {
 public:
  const at::Tensor& weight() const { return weight_; }
  void post_step(bool gradient_rows_only) override;
  void check_value(const at::Tensor& value) const override;

  /// From now on brings the values into these bounds after every dual step, and those that are
  /// there now. An upper bound below the true multiplier leaves the constraint violated; so does a
  /// leak, by leak · λ / (η (1 − leak)) with a dual SGD of rate η. No part of the state dict.
  void set_bounds(const MultiplierBounds& bounds);

 protected:
  explicit ExplicitMultiplier(at::Tensor weight);

 private:
  MultiplierBounds bounds() const;

  at::Tensor weight_;
  std::optional<MultiplierBounds> bounds_;
};

/// For constraints that are all observed at every step; weight is [num_constraints].
class COOPER4J_EXPORT DenseMultiplier final : public ExplicitMultiplier {
 public:
  /// Zeros, float32 on the CPU unless `options` say otherwise.
  explicit DenseMultiplier(int64_t num_constraints, const at::TensorOptions& options = {});
  /// Starts at `init`, [num_constraints], floating point.
  explicit DenseMultiplier(const at::Tensor& init);

  at::Tensor forward(const at::Tensor& features) override;
};

/// For constraints of which each step observes a few, named by int64 indices; weight is
/// [num_constraints, 1] and its gradient sparse, so that a step costs what the batch costs.
class COOPER4J_EXPORT IndexedMultiplier final : public ExplicitMultiplier {
 public:
  explicit IndexedMultiplier(int64_t num_constraints, const at::TensorOptions& options = {});
  explicit IndexedMultiplier(const at::Tensor& init);

  at::Tensor forward(const at::Tensor& features) override;
};

}  // namespace cooper4j
