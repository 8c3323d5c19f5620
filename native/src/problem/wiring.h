// Which optimizer moves which variable.
#pragma once

#include <torch/optim/optimizer.h>

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cooper4j/problem.h"

namespace cooper4j::problem {

/// Every variable belongs to one optimizer: primal ones to a primal optimizer, and each of the
/// problem's multipliers, unless it requires no grad, to a dual one.
///
/// Errors: std::invalid_argument that names optimizer and constraint.
class Wiring {
 public:
  using Optimizers = std::vector<torch::optim::Optimizer*>;

  /// Checks what is known before the first evaluation.
  Wiring(const ConstrainedMinimizationProblem& problem, Optimizers primal, Optimizers dual);

  /// Checks the observed constraints that were registered since.
  void check(const CMPState& state);

  /// Throws if a state with a primal side gave no primal optimizer anything to do.
  void require_primal_gradients(const CMPState& state);

 private:
  /// The dual optimizers by the parameters that they have now.
  using Movers = std::unordered_map<const c10::TensorImpl*, const torch::optim::Optimizer*>;

  void admit(const Constraint& constraint, const Movers& movers);
  Movers movers() const;

  const ConstrainedMinimizationProblem& problem_;
  Optimizers primal_;
  Optimizers dual_;
  std::unordered_set<const Constraint*> known_;
  bool primal_gradients_seen_ = false;
};

}  // namespace cooper4j::problem
