#include "cooper4j/problem.h"

#include <algorithm>
#include <stdexcept>

#include "cooper4j/checkpoint.h"
#include "cooper4j/state_dict.h"
#include "problem/check.h"

namespace cooper4j {
namespace {

using Modules = std::vector<std::pair<std::string, torch::nn::Module*>>;

Modules multipliers_of(const std::deque<Constraint>& constraints) {
  Modules named;
  for (const Constraint& constraint : constraints) {
    if (constraint.multiplier())
      named.emplace_back(constraint.name(), constraint.multiplier().get());
  }
  return named;
}

Modules penalties_of(const std::deque<Constraint>& constraints) {
  Modules named;
  for (const Constraint& constraint : constraints) {
    if (const auto& penalty = constraint.penalty_coefficient()) {
      named.emplace_back(constraint.name(), penalty.get());
    }
  }
  return named;
}

Node section(Document& document, const Modules& modules) {
  const Node dict = document.dict();
  for (const auto& [name, module] : modules) {
    document.put(dict, name, state_dict(document, *module));
  }
  return dict;
}

/// Cooper saves `value` alone: the init that is not there stays as it is.
Node with_init(const PenaltyCoefficient& penalty, Document& document, Node state) {
  if (!document.is_dict(state) || document.find(state, "init") != kNoNode) return state;
  const Node completed = document.ordered_dict();
  for (size_t i = 0; i < document.size(state); ++i) {
    document.put(completed, document.key(state, i), document.value(state, i));
  }
  document.put(completed, "init", add_tensor(document, penalty.init()));
  return completed;
}

void check_values(const torch::nn::Module& module, Document& document, Node state) {
  for (size_t i = 0; i < document.size(state); ++i) {
    const at::Tensor value = to_tensor(document, document.value(state, i));
    if (const auto* multiplier = dynamic_cast<const Multiplier*>(&module)) {
      multiplier->check_value(value);
    } else {
      problem::require_non_negative(value, "a penalty coefficient");
    }
  }
}

struct Load {
  torch::nn::Module* module;
  Node state;
};

void read_section(const char* section, const Modules& modules, Document& document, Node problem,
                  std::vector<Load>* loads) {
  const Node dict = document.is_dict(problem) ? document.find(problem, section) : kNoNode;
  if (dict == kNoNode || !document.is_dict(dict)) {
    throw std::invalid_argument(std::string(section) + ": missing from the problem's state dict");
  }
  for (size_t i = 0; i < document.size(dict); ++i) {
    const Node key = document.key(dict, i);
    const std::string name =
        document.kind(key) == Kind::kStr ? document.as_string(key) : kind_name(document.kind(key));
    const std::string path = std::string(section) + "." + name;
    const auto found = std::find_if(modules.begin(), modules.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (found == modules.end()) {
      throw std::invalid_argument(path + ": the problem has no such constraint");
    }
    Node state = document.value(dict, i);
    if (const auto* penalty = dynamic_cast<const PenaltyCoefficient*>(found->second)) {
      state = with_init(*penalty, document, state);
    }
    try {
      load_state_dict(*found->second, document, state, /*dry=*/true);
      check_values(*found->second, document, state);
    } catch (const std::invalid_argument& e) {
      throw std::invalid_argument(path + "." + e.what());
    }
    loads->push_back({found->second, state});
  }
}

template <typename Target>
void move(const std::deque<Constraint>& constraints, Target target) {
  for (const Modules& modules : {multipliers_of(constraints), penalties_of(constraints)}) {
    for (const auto& entry : modules) entry.second->to(target);
  }
}

}  // namespace

Constraint& ConstrainedMinimizationProblem::register_constraint(const std::string& name,
                                                                Constraint constraint) {
  if (name.empty()) throw std::invalid_argument("a constraint's name is empty; choose one");
  for (const Constraint& other : constraints_) {
    if (other.name() == name) {
      throw std::invalid_argument("a constraint named '" + name +
                                  "' is registered already; choose another name");
    }
  }
  const auto& multiplier = constraint.multiplier();
  if (multiplier &&
      std::find(multipliers_.begin(), multipliers_.end(), multiplier) == multipliers_.end()) {
    multipliers_.push_back(multiplier);
  }
  constraint.name_ = name;
  return constraints_.emplace_back(std::move(constraint));
}

std::vector<at::Tensor> ConstrainedMinimizationProblem::dual_parameters() const {
  std::vector<at::Tensor> parameters;
  for (const auto& multiplier : multipliers_) {
    const auto own = multiplier->parameters();
    parameters.insert(parameters.end(), own.begin(), own.end());
  }
  return parameters;
}

void ConstrainedMinimizationProblem::to(const at::Device& device) { move(constraints_, device); }

void ConstrainedMinimizationProblem::to(at::ScalarType dtype) { move(constraints_, dtype); }

Node ConstrainedMinimizationProblem::state_dict(Document& document) const {
  const Node state = document.dict();
  document.put(state, "multipliers", section(document, multipliers_of(constraints_)));
  document.put(state, "penalty_coefficients", section(document, penalties_of(constraints_)));
  return state;
}

void ConstrainedMinimizationProblem::load_state_dict(Document& document, Node state) {
  std::vector<Load> loads;
  read_section("multipliers", multipliers_of(constraints_), document, state, &loads);
  read_section("penalty_coefficients", penalties_of(constraints_), document, state, &loads);
  for (const Load& load : loads) cooper4j::load_state_dict(*load.module, document, load.state);
}

}  // namespace cooper4j
