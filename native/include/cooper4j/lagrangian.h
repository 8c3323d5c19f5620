// The fused Lagrangian: the gradients of f(x) + λᵀg(x) + μᵀh(x) in one pass.
//
// Ownership: a Term and an Evaluation share their tensors by reference count.
// Threads:   an Evaluation belongs to one thread at a time; different ones are independent.
// Errors:    std::invalid_argument "constraint 'name': …", or "constraint {k}: …" (k: the index) of
//            a term without a name, before anything changed; c10::Error from LibTorch. No function
//            synchronises with a CUDA device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cooper4j/export.h"

namespace cooper4j {

/// How a term enters the primal Lagrangian, and along what its multiplier ascends: the violation v
/// (the strict one, if there is one), unless said otherwise. Those with φ are for inequalities.
enum class Formulation : uint8_t {
  kLagrangian,            ///< λv
  kQuadraticPenalty,      ///< ½ c max(v, 0)², of equalities ½ c v²
  kAugmentedLagrangian,   ///< Cooper's: (max(λ + cv, 0)² − λ²) / 2c, of equalities λv + ½ c v²
  kPenalizedLagrangian,   ///< the sum of the first two
  kAugmentedBothSides,    ///< as Cooper's; ascends along its gradient in λ, max(v, −λ/c)
  kQuadraticLogarithmic,  ///< λ c φ(v/c); ascends along λ (φ'(v/c) − 1)
  kQuadraticReciprocal,   ///< the same with another φ
  kSwitched,              ///< nothing: backward_switched() chooses between it and the loss
  kCustom,                ///< Term::contribution
};

/// How a term's multiplier maps to its violations.
enum class Factor : uint8_t {
  kNone,
  kDense,    ///< the value itself: a multiplier [n], a penalty [] or [n]
  kIndexed,  ///< a table ([n, 1] for multipliers, [] or [n] for penalties), read at the features
  kValue,    ///< a multiplier already evaluated by its module, with its graph
};

/// One observed constraint, as cooper.ConstraintState and its constraint describe it.
struct Term {
  const std::string* name = nullptr;  ///< for errors; outlives the Evaluation
  Formulation formulation = Formulation::kLagrangian;
  bool inequality = false;
  bool contributes_to_primal = true;
  bool contributes_to_dual = true;
  Factor multiplier_kind = Factor::kNone;
  bool multiplier_learns = false;  ///< kValue only: its module has parameters that require grad
  Factor penalty_kind = Factor::kNone;
  at::Tensor violation;         ///< [] or [m], differentiable in the primal variables
  at::Tensor features;          ///< int64 [m] for kIndexed
  at::Tensor strict_violation;  ///< undefined: violation stands in
  at::Tensor strict_features;   ///< undefined: features stand in
  at::Tensor multiplier;        ///< for kValue: the value at `features`
  at::Tensor
      strict_multiplier;  ///< kValue only: the value at `strict_features`; undefined: multiplier
  at::Tensor penalty;
  at::Tensor contribution;  ///< kCustom only: the term's share of the primal Lagrangian, a scalar

  const at::Tensor& dual_violation() const {
    return strict_violation.defined() ? strict_violation : violation;
  }
  const at::Tensor& dual_features() const {
    return strict_features.defined() ? strict_features : features;
  }
};

/// The factors of a term at the moment of evaluation, detached; undefined where there are none.
struct Factors {
  at::Tensor multiplier;  ///< [m]
  at::Tensor penalty;     ///< [m] or [1]
};

enum class Side : uint8_t { kPrimal, kDual };

/// The Lagrangian at one point: factors are read (and everything is checked) on construction, so
/// later steps of the optimizers do not change what it reports.
class COOPER4J_EXPORT Evaluation {
 public:
  /// `primal` and `dual` say which Lagrangians are wanted. `loss` may be undefined.
  Evaluation(at::Tensor loss, std::vector<Term> terms, bool primal, bool dual);

  /// Accumulates ∇ₓ of the primal Lagrangian into the primal leaves and the NEGATED gradient of the
  /// dual one into the multipliers: LibTorch's optimizers only descend. One backward pass for both.
  /// A multiplier that requires no grad gets none. Throws std::invalid_argument, before anything
  /// changed, if what contributes to the primal side is not differentiable.
  void backward();
  /// The same for one side, after the same check of both.
  void backward(Side side);

  /// The switching subgradient: where the largest violation of the terms that contribute to the
  /// primal side (of equalities its absolute value; the strict one, if there is one) is above
  /// `tolerance`, accumulates `scale` times its subgradient, else the loss's; whether it was the
  /// violation's. Elements that are equally large share it evenly, as in torch.max. Waits for a
  /// CUDA device.
  bool backward_switched(double tolerance, double scale);

  /// Primal: loss + contributions, differentiable until backward() has freed the graph and a plain
  /// value after; dual: Σ multiplierᵀ violation. Undefined when nothing contributes.
  at::Tensor lagrangian(Side side) const;

  /// Whether term k contributes to the side, as Cooper's LagrangianStore lists it.
  bool contributes(size_t k, Side side) const;
  const Factors& factors(size_t k, Side side) const;
  size_t size() const { return terms_.size(); }

  /// Whether the loss or a violation was a variable or shared memory with one, so that a copy in
  /// its graph stands here, which steps do not change.
  bool copied() const { return copied_; }
  const at::Tensor& loss() const { return loss_; }
  const Term& term(size_t k) const { return terms_.at(k); }

 private:
  void evaluate(size_t k);
  at::Tensor contribution(size_t k) const;
  void check_differentiable() const;
  void differentiate(bool primal, bool dual);
  void append_primal_gradients(std::vector<at::Tensor>* roots,
                               std::vector<at::Tensor>* gradients) const;
  void append_dual_gradients(std::vector<at::Tensor>* roots, std::vector<at::Tensor>* gradients);
  void make_factors_own();

  at::Tensor loss_;
  std::vector<Term> terms_;
  bool primal_;
  bool dual_;
  bool copied_ = false;
  bool graph_freed_ = false;
  bool dual_differentiated_ = false;
  std::vector<Factors> primal_factors_;
  std::vector<Factors> dual_factors_;
};

}  // namespace cooper4j
