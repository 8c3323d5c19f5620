#include <algorithm>
#include <functional>
#include <stdexcept>

#include "cooper4j/problem.h"

namespace cooper4j {
namespace {

/// An Evaluation knows constraints by number, people by name.
std::string named(std::string text, const CMPState& state) {
  const std::string open = "constraint {";
  const size_t start = text.find(open);
  if (start == std::string::npos) return text;
  const size_t number = start + open.size();
  const size_t end = text.find('}', number);
  const size_t k = std::stoul(text.substr(number, end - number));
  const std::string& name = state.observed_constraints.at(k).first->name();
  return text.replace(number - 1, end - number + 2, "'" + name + "'");
}

void require_each_once(const CMPState& state) {
  std::vector<const Constraint*> sorted;
  sorted.reserve(state.observed_constraints.size());
  for (const auto& observed : state.observed_constraints) sorted.push_back(observed.first);
  std::sort(sorted.begin(), sorted.end(), std::less<>());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    throw std::invalid_argument("constraint '" + (*twice)->name() +
                                "' was observed twice in one state");
  }
}

}  // namespace

CMPState::CMPState(at::Tensor value) : loss(std::move(value)) {}

CMPState& CMPState::observe(const Constraint& constraint, ConstraintState state) {
  if (constraint.name().empty()) {
    throw std::invalid_argument(
        "an observed constraint was never registered; observe what register_constraint() gives");
  }
  observed_constraints.emplace_back(&constraint, std::move(state));
  return *this;
}

CMPState& CMPState::observe(const Constraint& constraint, at::Tensor violation) {
  return observe(constraint, ConstraintState{std::move(violation)});
}

Evaluation CMPState::evaluate(bool primal, bool dual) const {
  require_each_once(*this);
  std::vector<Term> terms;
  terms.reserve(observed_constraints.size());
  for (const auto& [constraint, state] : observed_constraints) {
    terms.push_back(make_term(*constraint, state));
  }
  try {
    return Evaluation(loss, std::move(terms), primal, dual);
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(named(e.what(), *this));
  }
}

size_t CMPState::index_of(const Constraint& constraint) const {
  for (size_t k = 0; k < observed_constraints.size(); ++k) {
    if (observed_constraints[k].first == &constraint) return k;
  }
  throw std::invalid_argument("constraint '" + constraint.name() +
                              "' was not observed in this state");
}

}  // namespace cooper4j
