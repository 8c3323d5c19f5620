// The smoothing of smoothed primal-dual methods, after Zhang and Luo ("A Proximal Alternating
// Direction Method of Multipliers for Linearly Constrained Nonconvex Minimization", SIAM J. Optim.
// 2020) and Huang, Alacaoglu and Wright ("Stochastic Smoothed Primal-Dual Algorithms for Nonconvex
// Optimization with Linear Inequality Constraints", 2025):
//
//   ∇ ← ∇ₓL(x_t) + μ (x_t − z_t),    z_{t+1} = z_t + β (x_t − z_t)
//
// which descends the Moreau envelope's surroundings L(x) + μ/2 ‖x − z‖² while z follows x.
//
//   auto envelope = std::make_shared<MoreauEnvelope>(2.0, 0.5);
//   optimizer.before_primal_step([=](CMPState&, const Optimizers& primal) { envelope->apply(primal); });
//
// Ownership: keeps the centres z, copies of the variables as of the first apply().
// Threads:   one thread at a time.
// Errors:    std::invalid_argument; nothing was changed.
#pragma once

#include <vector>

#include "cooper4j/document.h"
#include "cooper4j/export.h"
#include "cooper4j/optim/gradients.h"

namespace cooper4j {

class COOPER4J_EXPORT MoreauEnvelope {
 public:
  /// `mu` is finite and at least 0, `beta` in [0, 1]; the centres move every `period` calls.
  MoreauEnvelope(double mu, double beta, int64_t period = 1);

  /// Between backward and step. Variables without a gradient are left out, and their centres.
  void apply(const Optimizers& optimizers);

  /// z by parameter, in the optimizers' order; empty before the first apply().
  const std::vector<at::Tensor>& centers() const { return centers_; }
  /// How many calls there were since the centres moved.
  int64_t count() const { return count_; }
  /// Goes on from both; the tensors are copied. No centres: starts anew at the next apply().
  void restore(const std::vector<at::Tensor>& centers, int64_t count);

  /// {"centers": [tensor, …], "count": int}
  Node state_dict(Document& document) const;
  void load_state_dict(Document& document, Node state);

 private:
  double mu_;
  double beta_;
  int64_t period_;
  int64_t count_ = 0;
  std::vector<at::Tensor> centers_;
};

}  // namespace cooper4j
