// A problem that is evaluated over the samples of several processes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cooper4j/constrained_optimizer.h"
#include "cooper4j/distributed.h"
#include "distributed/agreement.h"
#include "distributed/join.h"
#include "distributed/sums.h"

namespace cooper4j::problem {

/// What a ConstrainedOptimizer does in place of evaluating and differentiating by itself.
class Replica {
 public:
  Replica(ProcessGroup& group, const ConstrainedMinimizationProblem& problem,
          const Optimizers& primal, const Optimizers& dual);

  /// The state over the samples of all.
  CMPState evaluate(const std::function<CMPState()>& compute);
  /// After the backward pass over that state: on to the variables, and over all processes.
  void backward();
  void fail(const std::string& reason) { group_.group().fail(reason); }

 private:
  ProcessGroup& group_;
  std::vector<at::Tensor> parameters_;
  std::optional<distributed::Agreement> agreement_;
  distributed::GradientSums gradient_sums_;
  std::vector<std::pair<size_t, at::Tensor>> roots_;  // entries to differentiate
  std::unique_ptr<distributed::Join> join_;
};

}  // namespace cooper4j::problem
