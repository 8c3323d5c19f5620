// A problem that is evaluated over a batch in parts.
#pragma once

#include <functional>
#include <unordered_set>
#include <vector>

#include "cooper4j/problem.h"

namespace cooper4j::problem {

/// One evaluation of a whole batch by its parts, of which one at a time has a graph. First every
/// part gives its values, and the state of the whole is made of them, with leaves in place of the
/// graph: a backward pass over it ends in ∂L/∂(loss, violations). The second evaluation of every
/// part, with the generators where they were, carries these on to the variables.
class Accumulation {
 public:
  using Compute = std::function<CMPState(size_t part)>;

  /// Evaluates the parts. Throws std::invalid_argument if they do not fit together.
  Accumulation(size_t parts, Compute compute);

  const CMPState& state() const { return whole_; }
  /// After the backward pass over that state.
  void backward();

 private:
  struct Part {
    std::vector<at::Tensor> generators;
    CMPState values;  // detached
  };

  void take(size_t i);
  void weigh();
  void require_alike() const;
  void require_alike(size_t i, size_t j) const;
  void join();
  at::Tensor mean(const std::function<at::Tensor(const CMPState&)>& of) const;
  at::Tensor joined(const Constraint* constraint, bool rows,
                    at::Tensor ConstraintState::* tensor) const;
  void average_misc();

  Compute compute_;
  std::vector<Part> parts_;
  std::vector<double> weights_;
  bool loss_differentiable_ = false;
  std::unordered_set<const Constraint*> differentiable_;
  CMPState whole_;
};

}  // namespace cooper4j::problem
