#include "problem/wiring.h"

#include <c10/core/ScalarType.h>
#include <c10/util/Type.h>

#include <algorithm>
#include <stdexcept>
#include <typeinfo>
#include <utility>

#include "cooper4j/optim/step.h"

namespace cooper4j::problem {
namespace {

using torch::optim::Optimizer;
using Optimizers = Wiring::Optimizers;

/// By identity.
using Owners = std::unordered_map<const c10::TensorImpl*, std::string>;
using Multipliers = std::unordered_map<const c10::TensorImpl*, const Constraint*>;

std::string type_name(const Optimizer& optimizer) {
  const std::string name = c10::demangle(typeid(optimizer).name());
  const size_t colon = name.rfind(':');
  return colon == std::string::npos ? name : name.substr(colon + 1);
}

std::string describe(const at::Tensor& tensor) {
  return std::string(c10::getDtypeNames(tensor.scalar_type()).first) + c10::str(tensor.sizes());
}

std::string quoted(const Constraint& constraint) {
  return "constraint '" + constraint.name() + "'";
}

template <typename Action>
void for_each_parameter(const Optimizer& optimizer, Action action) {
  for (const auto& group : optimizer.param_groups()) {
    for (const at::Tensor& parameter : group.params()) action(parameter);
  }
}

/// Calls check(optimizer's name, parameter) for all, and throws if one has two owners.
template <typename Check>
void claim(const char* side, const Optimizers& optimizers, Owners& owners, Check check) {
  for (size_t i = 0; i < optimizers.size(); ++i) {
    std::string name = std::string(side) + " optimizer " + std::to_string(i);
    if (optimizers[i] == nullptr) throw std::invalid_argument(name + " is null");
    name += " (" + type_name(*optimizers[i]) + ")";
    const size_t before = owners.size();
    for_each_parameter(*optimizers[i], [&](const at::Tensor& parameter) {
      check(name, parameter);
      const auto [entry, added] = owners.emplace(parameter.unsafeGetTensorImpl(), name);
      if (added) return;
      throw std::invalid_argument(
          "a parameter " + describe(parameter) + " is in " +
          (entry->second == name ? name + " twice" : entry->second + " and in " + name) +
          ", so that it would move twice a step; give it to one");
    });
    if (owners.size() == before) {
      throw std::invalid_argument(name + " has no parameters; give it some, or leave it out");
    }
  }
}

}  // namespace

Wiring::Wiring(const ConstrainedMinimizationProblem& problem, Optimizers primal, Optimizers dual)
    : problem_(problem), primal_(std::move(primal)), dual_(std::move(dual)) {
  Multipliers multipliers;
  for (const Constraint& constraint : problem.constraints()) {
    if (constraint.multiplier() == nullptr) continue;
    for (const at::Tensor& parameter : constraint.multiplier()->parameters()) {
      multipliers.emplace(parameter.unsafeGetTensorImpl(), &constraint);
    }
  }
  Owners owners;
  claim("primal", primal_, owners, [&](const std::string& name, const at::Tensor& parameter) {
    const auto found = multipliers.find(parameter.unsafeGetTensorImpl());
    if (found == multipliers.end()) return;
    throw std::invalid_argument(name + " has the multiplier of " + quoted(*found->second) +
                                ", which it would minimise; give it to a dual optimizer");
  });
  claim("dual", dual_, owners, [&](const std::string& name, const at::Tensor& parameter) {
    if (multipliers.count(parameter.unsafeGetTensorImpl()) != 0) return;
    throw std::invalid_argument(
        name + " has a parameter " + describe(parameter) +
        " that is no multiplier of this problem's constraints; give it the problem's "
        "dual_parameters(), after all constraints were registered, and primal variables to a "
        "primal optimizer");
  });
  const Movers now = movers();
  for (const Constraint& constraint : problem.constraints()) admit(constraint, now);
}

void Wiring::admit(const Constraint& constraint, const Movers& movers) {
  Multiplier* multiplier = constraint.multiplier().get();
  const bool indexed = dynamic_cast<IndexedMultiplier*>(multiplier) != nullptr;
  const std::vector<at::Tensor> parameters =
      multiplier != nullptr ? multiplier->parameters() : std::vector<at::Tensor>();
  for (const at::Tensor& parameter : parameters) {
    const auto mover = movers.find(parameter.unsafeGetTensorImpl());
    if (mover == movers.end() && parameter.requires_grad()) {
      throw std::invalid_argument(
          "no dual optimizer has the multiplier of " + quoted(constraint) +
          ", so that it would never move; register constraints before the optimizers are made and "
          "give one the problem's dual_parameters(), or, if the multiplier is to stay as it is, "
          "call requires_grad_(false) on its parameters");
    }
    if (mover != movers.end() && indexed && takes_no_sparse_gradient(*mover->second)) {
      throw std::invalid_argument("a dual " + type_name(*mover->second) +
                                  " has the indexed multiplier of " + quoted(constraint) +
                                  ", whose gradients are sparse, which it does not take; use SGD, "
                                  "Adagrad, NuPI or SparseAdam");
    }
  }
  known_.insert(&constraint);
}

Wiring::Movers Wiring::movers() const {
  Movers movers;
  for (const Optimizer* optimizer : dual_) {
    for_each_parameter(*optimizer, [&](const at::Tensor& parameter) {
      movers.emplace(parameter.unsafeGetTensorImpl(), optimizer);
    });
  }
  return movers;
}

void Wiring::check(const CMPState& state) {
  for (const auto& observed : state.observed_constraints) {
    const Constraint& constraint = *observed.first;
    if (known_.count(&constraint) != 0) continue;
    const auto& all = problem_.constraints();
    if (std::none_of(all.begin(), all.end(),
                     [&constraint](const Constraint& own) { return &own == &constraint; })) {
      throw std::invalid_argument(
          quoted(constraint) +
          " was observed, but is not registered in this problem; call register_constraint(name, "
          "constraint), and observe what it returns");
    }
    admit(constraint, movers());
  }
}

void Wiring::require_primal_gradients(const CMPState& state) {
  if (primal_gradients_seen_) return;
  const bool primal_side = state.loss.defined() ||
                           std::any_of(state.observed_constraints.begin(),
                                       state.observed_constraints.end(), [](const auto& observed) {
                                         return observed.second.contributes_to_primal_update;
                                       });
  if (!primal_side) return;
  for (const Optimizer* optimizer : primal_) {
    for_each_parameter(*optimizer, [&](const at::Tensor& parameter) {
      primal_gradients_seen_ |= parameter.grad().defined();
    });
  }
  if (!primal_gradients_seen_) {
    throw std::invalid_argument(
        "no parameter of the primal optimizers got a gradient, so that no roll would move one: the "
        "loss and the violations depend on other tensors; give the primal optimizer the parameters "
        "that compute_cmp_state uses");
  }
}

}  // namespace cooper4j::problem
