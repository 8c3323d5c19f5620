#include "problem/replica.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

namespace cooper4j::problem {

Replica::Replica(ProcessGroup& group, const ConstrainedMinimizationProblem& problem,
                 const Optimizers& primal, const Optimizers& dual)
    : group_(group), parameters_(parameters(primal)) {
  if (!group.compares()) return;
  std::vector<distributed::Agreement::Named> named;
  for (const auto& constraint : problem.constraints()) {
    const std::string whose = " of constraint '" + constraint.name() + "'";
    if (constraint.multiplier()) {
      for (const auto& parameter : constraint.multiplier()->parameters()) {
        named.emplace_back("the multiplier" + whose, parameter);
      }
    }
    if (constraint.penalty_coefficient()) {
      named.emplace_back("the penalty coefficient" + whose,
                         constraint.penalty_coefficient()->value());
    }
  }
  agreement_.emplace(primal, dual, std::move(named));
}

CMPState Replica::evaluate(const std::function<CMPState()>& compute) {
  group_.sums().start();
  CMPState state = compute();
  group_.sums().stop();

  std::vector<distributed::Join::Entry> entries;
  std::vector<at::Tensor*> targets;  // what becomes the value over all
  if (state.samples.value_or(0) < 0) {
    throw std::invalid_argument("the state has " + std::to_string(*state.samples) +
                                " samples; expected at least 0");
  }
  std::string what = state.samples ? "samples\n" : "no samples\n";  // the same in all, by lines
  roots_.clear();
  const auto add = [&](at::Tensor* tensor, bool rows, bool root, const std::string& name) {
    if (!tensor->defined()) return;
    // Of rows every process has as many as it has.
    what += name + " " + c10::str(tensor->scalar_type()) +
            (rows ? c10::str(tensor->sizes().slice(tensor->dim() > 0 ? 1 : 0)) + " a row\n"
                  : c10::str(tensor->sizes()) + "\n");
    if (root) roots_.emplace_back(entries.size(), *tensor);
    entries.push_back({root ? *tensor : tensor->detach(), rows});
    targets.push_back(tensor);
  };
  add(&state.loss, false, true, "the loss");
  // By name: the order of observation need not be that of other processes.
  std::vector<size_t> order(state.observed_constraints.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return state.observed_constraints[a].first->name() <
           state.observed_constraints[b].first->name();
  });
  for (const size_t k : order) {
    auto& [constraint, its] = state.observed_constraints[k];
    const bool rows = its.constraint_features.defined() || its.strict_constraint_features.defined();
    const std::string self = "constraint '" + constraint->name() + "': ";
    what += its.contributes_to_primal_update ? "primal " : "";
    what += its.contributes_to_dual_update ? "dual " : "";
    add(&its.violation, rows, true, self + "violation");
    add(&its.strict_violation, rows, false, self + "strict violation");
    add(&its.constraint_features, true, false, self + "features");
    add(&its.strict_constraint_features, true, false, self + "strict features");
  }
  for (auto& [key, tensor] : state.misc) {
    if (tensor.defined() && tensor.numel() == 1 && at::isFloatingType(tensor.scalar_type())) {
      add(&tensor, false, false, "misc " + key);
    }
  }
  what += "nothing more\n" + distributed::GradientSums::describe(parameters_);
  join_ = std::make_unique<distributed::Join>(group_.group(), std::move(entries),
                                              static_cast<double>(state.samples.value_or(1)), what,
                                              agreement_ ? &*agreement_ : nullptr);
  for (size_t i = 0; i < targets.size(); ++i) *targets[i] = join_->value(i);
  if (state.samples) state.samples = static_cast<int64_t>(join_->weight());
  return state;
}

void Replica::backward() {
  std::vector<at::Tensor> roots;
  std::vector<at::Tensor> gradients;
  for (const auto& [entry, root] : roots_) {
    const at::Tensor gradient = join_->gradient(entry);
    if (!gradient.defined()) continue;
    roots.push_back(root);
    gradients.push_back(gradient.reshape(root.sizes()));
  }
  group_.sums().backward(std::move(roots), std::move(gradients));
  roots_.clear();
  gradient_sums_.sum(group_.group(), parameters_);
}

}  // namespace cooper4j::problem
