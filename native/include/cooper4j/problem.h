// The problem min f(x) s.t. g(x) <= 0, h(x) = 0 and its value at a point, after
// cooper.ConstrainedMinimizationProblem and cooper.CMPState.
//
//   struct Norm : cooper4j::ConstrainedMinimizationProblem {
//     Constraint& norm = register_constraint(
//         "norm", {ConstraintType::kInequality, std::make_shared<DenseMultiplier>(1)});
//     CMPState compute_cmp_state(const Batch& batch) {
//       …
//       return CMPState(loss).observe(norm, squared_norm - 1);
//     }
//   };
//
// Ownership: a problem owns its constraints; a CMPState points at them, so the problem lives
// longer. Threads:   a problem belongs to one thread at a time; different ones are independent.
// Errors:    std::invalid_argument that names the constraint or the key, before anything changed;
//            c10::Error from LibTorch.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cooper4j/constraint.h"
#include "cooper4j/document.h"
#include "cooper4j/export.h"
#include "cooper4j/lagrangian.h"

namespace cooper4j {

/// Loss and observed constraints at one point, and what the loop wants to see besides.
struct COOPER4J_EXPORT CMPState {
  at::Tensor loss;  ///< f(x), a differentiable scalar; undefined in a state of violations alone
  std::vector<std::pair<const Constraint*, ConstraintState>> observed_constraints;
  std::map<std::string, at::Tensor> misc;
  /// Over how many samples loss and violations are means: their weight among those of other
  /// micro-batches (roll_accumulated) or processes (distributed.h), which count alike if none
  /// says it.
  std::optional<int64_t> samples;

  explicit CMPState(at::Tensor loss = {});

  /// Adds an observed constraint.
  CMPState& observe(const Constraint& constraint, ConstraintState state);
  /// Adds one of which nothing but the violation is to be said.
  CMPState& observe(const Constraint& constraint, at::Tensor violation);

  /// The primal and the dual Lagrangian here, as wanted; backward() on it gives the gradients.
  /// Throws if a constraint was observed twice.
  Evaluation evaluate(bool primal = true, bool dual = true) const;

  /// The observation's number in an Evaluation; throws if the constraint was not observed.
  size_t index_of(const Constraint& constraint) const;
};

/// Holds the constraints. Derive from it, or use it as it is.
class COOPER4J_EXPORT ConstrainedMinimizationProblem {
 public:
  ConstrainedMinimizationProblem() = default;
  ConstrainedMinimizationProblem(const ConstrainedMinimizationProblem&) = delete;
  ConstrainedMinimizationProblem& operator=(const ConstrainedMinimizationProblem&) = delete;

  /// Takes a constraint under a name, as `self.name = constraint` does in Cooper. The reference
  /// lives as long as the problem. Throws if the name is taken.
  Constraint& register_constraint(const std::string& name, Constraint constraint);

  /// In the order of registration.
  const std::deque<Constraint>& constraints() const { return constraints_; }

  /// The multipliers, each once even if constraints share it.
  const std::vector<std::shared_ptr<Multiplier>>& multipliers() const { return multipliers_; }

  /// The multipliers' parameters, each once, for a dual optimizer.
  std::vector<at::Tensor> dual_parameters() const;

  /// Moves multipliers and penalty coefficients in place; optimizers keep what they hold.
  void to(const at::Device& device);
  void to(at::ScalarType dtype);

  /// {"multipliers": {name: {…}}, "penalty_coefficients": {name: {…}}}, whose tensors share memory
  /// with the problem's.
  Node state_dict(Document& document) const;

  /// Copies a state in that was saved here, in Java or in Python: all of it or nothing.
  void load_state_dict(Document& document, Node state);

 private:
  std::deque<Constraint> constraints_;  // never moves its elements
  std::vector<std::shared_ptr<Multiplier>> multipliers_;
};

}  // namespace cooper4j
