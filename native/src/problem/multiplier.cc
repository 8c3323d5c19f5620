#include "cooper4j/multiplier.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <stdexcept>

#include "cooper4j/optim/step.h"
#include "cooper4j/project.h"
#include "problem/check.h"

namespace cooper4j {
namespace {

at::Tensor zeros(int64_t num_constraints, const at::TensorOptions& options) {
  if (num_constraints < 1) {
    throw std::invalid_argument("num_constraints is " + std::to_string(num_constraints) +
                                "; a multiplier serves at least one constraint");
  }
  at::Tensor weight = at::zeros({num_constraints}, options);
  problem::require_floating_point(weight, "a multiplier");
  return weight;
}

at::Tensor copy_of(const at::Tensor& init) {
  problem::require_floating_point(init, "init");
  if (init.dim() != 1 || init.numel() == 0) {
    throw std::invalid_argument("init has shape " + c10::str(init.sizes()) +
                                "; expected [num_constraints]");
  }
  problem::require_finite(init, "init");
  return init.detach().clone();
}

}  // namespace

void Multiplier::post_step(bool) {}

void Multiplier::check_value(const at::Tensor&) const {}

void Multiplier::set_constraint_type(ConstraintType type) {
  if (type_.has_value() && type_ != type) {
    throw std::invalid_argument(
        "a multiplier cannot be shared by an equality and an inequality; give each its own");
  }
  const auto before = type_;
  type_ = type;
  try {
    for (const auto& parameter : parameters()) check_value(parameter);
  } catch (const std::invalid_argument&) {
    type_ = before;
    throw;
  }
}

ExplicitMultiplier::ExplicitMultiplier(at::Tensor weight) {
  weight_ = register_parameter("weight", std::move(weight));
}

MultiplierBounds ExplicitMultiplier::bounds() const {
  MultiplierBounds bounds = *bounds_;
  if (is_inequality()) bounds.lower = std::max(bounds.lower, 0.0);
  return bounds;
}

void ExplicitMultiplier::set_bounds(const MultiplierBounds& bounds) {
  check_bounds(bounds);
  if (is_inequality() && !(bounds.upper > 0)) {
    throw std::invalid_argument("the upper bound of an inequality's multiplier must be above 0");
  }
  bounds_ = bounds;
  c10::NoGradGuard no_grad;
  weight_.clamp_(bounds.lower, bounds.upper);
}

void ExplicitMultiplier::post_step(bool gradient_rows_only) {
  if (bounds_) return bound(weight_, bounds(), gradient_rows_only);
  if (!is_inequality()) return;
  if (gradient_rows_only && weight_.grad().defined() && weight_.grad().is_sparse()) {
    project_gradient_rows(weight_);
  } else {
    project_non_negative(at::TensorList(weight_));
  }
}

void ExplicitMultiplier::check_value(const at::Tensor& value) const {
  if (is_inequality()) {
    problem::require_non_negative(value, "a multiplier of an inequality");
  } else {
    problem::require_finite(value, "a multiplier");
  }
}

DenseMultiplier::DenseMultiplier(int64_t num_constraints, const at::TensorOptions& options)
    : ExplicitMultiplier(zeros(num_constraints, options)) {}

DenseMultiplier::DenseMultiplier(const at::Tensor& init) : ExplicitMultiplier(copy_of(init)) {}

at::Tensor DenseMultiplier::forward(const at::Tensor&) { return weight().clone(); }

IndexedMultiplier::IndexedMultiplier(int64_t num_constraints, const at::TensorOptions& options)
    : ExplicitMultiplier(zeros(num_constraints, options).unsqueeze(1)) {}

IndexedMultiplier::IndexedMultiplier(const at::Tensor& init)
    : ExplicitMultiplier(copy_of(init).unsqueeze(1)) {}

at::Tensor IndexedMultiplier::forward(const at::Tensor& features) {
  return weight().index_select(0, features).flatten();
}

}  // namespace cooper4j
