#include <algorithm>
#include <functional>
#include <stdexcept>

#include "cooper4j/problem.h"

namespace cooper4j {
namespace {

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
  return Evaluation(loss, std::move(terms), primal, dual);
}

size_t CMPState::index_of(const Constraint& constraint) const {
  for (size_t k = 0; k < observed_constraints.size(); ++k) {
    if (observed_constraints[k].first == &constraint) return k;
  }
  throw std::invalid_argument("constraint '" + constraint.name() +
                              "' was not observed in this state");
}

}  // namespace cooper4j
