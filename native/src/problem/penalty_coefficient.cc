#include "cooper4j/penalty_coefficient.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <stdexcept>

#include "problem/check.h"

namespace cooper4j {

PenaltyCoefficient::PenaltyCoefficient(const at::Tensor& init, bool indexed) : indexed_(indexed) {
  problem::require_floating_point(init, "init");
  if (init.dim() > 1 || init.requires_grad() || init.numel() == 0) {
    throw std::invalid_argument("init has shape " + c10::str(init.sizes()) +
                                "; expected a scalar or [num_constraints] that requires no grad");
  }
  problem::require_non_negative(init, "a penalty coefficient");
  value_ = register_buffer("value", init.clone());
  init_ = register_buffer("init", init.clone());
}

void PenaltyCoefficient::set_value(const at::Tensor& values) {
  if (!values.defined() || values.sizes() != value_.sizes()) {
    throw std::invalid_argument("expected values of shape " + c10::str(value_.sizes()) +
                                ", found " +
                                (values.defined() ? c10::str(values.sizes()) : "nothing"));
  }
  c10::NoGradGuard no_grad;
  // In this coefficient's dtype, in which a large value may be infinite.
  const at::Tensor converted = values.to(value_.options());
  problem::require_non_negative(converted, "a penalty coefficient");
  value_.copy_(converted);
}

DensePenaltyCoefficient::DensePenaltyCoefficient(const at::Tensor& init)
    : PenaltyCoefficient(init, false) {}

DensePenaltyCoefficient::DensePenaltyCoefficient(double init)
    : PenaltyCoefficient(at::scalar_tensor(init, at::kFloat), false) {}

IndexedPenaltyCoefficient::IndexedPenaltyCoefficient(const at::Tensor& init)
    : PenaltyCoefficient(init, true) {}

}  // namespace cooper4j
