// Constraints and what a step measures of them, after cooper.Constraint and cooper.ConstraintState.
//
// Ownership: a Constraint shares its multiplier and penalty coefficient; a ConstraintState shares
//            its tensors by reference count.
// Threads:   one thread at a time.
// Errors:    std::invalid_argument; nothing was made or changed.
#pragma once

#include <memory>
#include <string>

#include "cooper4j/export.h"
#include "cooper4j/lagrangian.h"
#include "cooper4j/multiplier.h"
#include "cooper4j/penalty.h"
#include "cooper4j/penalty_coefficient.h"

namespace cooper4j {

/// A constraint, or a family of alike ones.
class COOPER4J_EXPORT Constraint {
 public:
  /// In the Lagrangian formulation.
  Constraint(ConstraintType type, std::shared_ptr<Multiplier> multiplier);

  /// In any formulation but kCustom, for which there is Term. Throws if the formulation expects
  /// what is null or does not expect what is given, or if an inequality's multiplier is negative.
  Constraint(ConstraintType type, Formulation formulation, std::shared_ptr<Multiplier> multiplier,
             std::shared_ptr<PenaltyCoefficient> penalty_coefficient);

  ConstraintType type() const { return type_; }
  Formulation formulation() const { return formulation_; }
  const std::shared_ptr<Multiplier>& multiplier() const { return multiplier_; }  ///< may be null
  const std::shared_ptr<PenaltyCoefficient>& penalty_coefficient() const { return penalty_; }
  const std::string& name() const { return name_; }  ///< as registered, "" before

 private:
  friend class ConstrainedMinimizationProblem;

  ConstraintType type_;
  Formulation formulation_;
  std::shared_ptr<Multiplier> multiplier_;
  std::shared_ptr<PenaltyCoefficient> penalty_;
  std::string name_;
};

/// What was measured of a constraint at the current point. With a strict violation, the violation
/// drives the primal variables and the strict one the multipliers (proxy constraints).
struct ConstraintState {
  at::Tensor violation = {};  ///< [] or [m], differentiable; positive where an inequality fails
  at::Tensor constraint_features = {};  ///< int64 indices [m], or an implicit multiplier's input
  at::Tensor strict_violation = {};
  at::Tensor strict_constraint_features = {};
  bool contributes_to_primal_update = true;
  bool contributes_to_dual_update = true;
};

/// The native form of an observed constraint, for an Evaluation.
COOPER4J_EXPORT Term make_term(const Constraint& constraint, const ConstraintState& state);

/// Raises the constraint's penalty coefficient where `state` (its strict violation, if there is
/// one) exceeds update.tolerance; update.inequality is the constraint's. Throws what penalty.h
/// says, naming the constraint. Mirrors Cooper's Multiplicative- and
/// AdditivePenaltyCoefficientUpdater.
COOPER4J_EXPORT void update_penalty(const Constraint& constraint, const ConstraintState& state,
                                    PenaltyUpdate update);

}  // namespace cooper4j
