#include "cooper4j/constraint.h"

#include <stdexcept>

#include "lagrangian/barrier.h"

namespace cooper4j {
namespace {

const char* name_of(Formulation formulation) {
  switch (formulation) {
    case Formulation::kLagrangian:
      return "Lagrangian";
    case Formulation::kQuadraticPenalty:
      return "QuadraticPenalty";
    case Formulation::kAugmentedLagrangian:
    case Formulation::kAugmentedBothSides:
      return "AugmentedLagrangian";
    case Formulation::kPenalizedLagrangian:
      return "PenalizedLagrangian";
    case Formulation::kQuadraticLogarithmic:
    case Formulation::kQuadraticReciprocal:
      return "PenaltyBarrier";
    case Formulation::kSwitched:
      return "Switched";
    default:
      throw std::invalid_argument(
          "a Constraint has no custom formulation; pass a Term with a contribution to Evaluation");
  }
}

void check(Formulation formulation, const char* what, bool expected, bool given) {
  if (expected == given) return;
  const std::string name = name_of(formulation);
  throw std::invalid_argument(
      expected ? name + " expects a " + what + " but none was provided; pass one to the Constraint"
               : name + " takes no " + what + "; pass nullptr, or choose another formulation");
}

}  // namespace

Constraint::Constraint(ConstraintType type, std::shared_ptr<Multiplier> multiplier)
    : Constraint(type, Formulation::kLagrangian, std::move(multiplier), nullptr) {}

Constraint::Constraint(ConstraintType type, Formulation formulation,
                       std::shared_ptr<Multiplier> multiplier,
                       std::shared_ptr<PenaltyCoefficient> penalty_coefficient)
    : type_(type),
      formulation_(formulation),
      multiplier_(std::move(multiplier)),
      penalty_(std::move(penalty_coefficient)) {
  name_of(formulation);
  const bool switched = formulation == Formulation::kSwitched;
  check(formulation, "multiplier", !switched && formulation != Formulation::kQuadraticPenalty,
        multiplier_ != nullptr);
  check(formulation, "penalty coefficient", !switched && formulation != Formulation::kLagrangian,
        penalty_ != nullptr);
  if (is_barrier(formulation) && type == ConstraintType::kEquality) {
    throw std::invalid_argument(
        "PenaltyBarrier is for inequalities; write h(x) = 0 as |h(x)| <= a tolerance");
  }
  if (multiplier_) multiplier_->set_constraint_type(type);
}

Term make_term(const Constraint& constraint, const ConstraintState& state) {
  if (state.strict_constraint_features.defined() && !state.strict_violation.defined()) {
    throw std::invalid_argument("constraint '" + constraint.name() +
                                "': strict constraint features were given without a strict "
                                "violation; give both or neither");
  }
  Term term;
  term.name = &constraint.name();
  term.formulation = constraint.formulation();
  term.inequality = constraint.type() == ConstraintType::kInequality;
  term.contributes_to_primal = state.contributes_to_primal_update;
  term.contributes_to_dual = state.contributes_to_dual_update;
  term.violation = state.violation;
  term.features = state.constraint_features;
  term.strict_violation = state.strict_violation;
  term.strict_features = state.strict_constraint_features;

  Multiplier* multiplier = constraint.multiplier().get();
  if (const auto* known = dynamic_cast<const ExplicitMultiplier*>(multiplier)) {
    const bool indexed = dynamic_cast<const IndexedMultiplier*>(multiplier) != nullptr;
    term.multiplier_kind = indexed ? Factor::kIndexed : Factor::kDense;
    term.multiplier = known->weight();
  } else if (multiplier != nullptr) {
    term.multiplier_kind = Factor::kValue;
    for (const auto& parameter : multiplier->parameters()) {
      term.multiplier_learns |= parameter.requires_grad();
    }
    term.multiplier = multiplier->forward(state.constraint_features);
    if (state.strict_constraint_features.defined()) {
      term.strict_multiplier = multiplier->forward(state.strict_constraint_features);
    }
  }
  if (const PenaltyCoefficient* penalty = constraint.penalty_coefficient().get()) {
    term.penalty_kind = penalty->indexed() ? Factor::kIndexed : Factor::kDense;
    term.penalty = penalty->value();
  }
  return term;
}

void update_penalty(const Constraint& constraint, const ConstraintState& state,
                    PenaltyUpdate update) {
  const PenaltyCoefficient* penalty = constraint.penalty_coefficient().get();
  const std::string self = "constraint '" + constraint.name() + "': ";
  if (penalty == nullptr) throw std::invalid_argument(self + "it has no penalty coefficient");
  at::Tensor indices;
  if (penalty->indexed() && penalty->value().dim() > 0) {
    indices = state.strict_constraint_features.defined() ? state.strict_constraint_features
                                                         : state.constraint_features;
    if (!indices.defined()) {
      throw std::invalid_argument(
          self + "its penalty coefficient is indexed, but the state has no constraint features");
    }
  }
  update.inequality = constraint.type() == ConstraintType::kInequality;
  if (!update.inequality) update.leak = 0;
  const at::Tensor& violation =
      state.strict_violation.defined() ? state.strict_violation : state.violation;
  try {
    update_penalty(penalty->value(), penalty->init(), violation, indices, update);
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(self + e.what());
  } catch (const std::overflow_error& e) {
    throw std::overflow_error(self + e.what());
  }
}

}  // namespace cooper4j
