#include "cooper4j/penalty.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <sstream>
#include <stdexcept>

#include "optim/direct.h"
#include "optim/rows.h"

namespace cooper4j {
namespace {

/// Whether update_elements takes the tensors: one coefficient for one violation, in memory that a
/// plain loop may walk.
bool is_elementwise(const at::Tensor& value, const at::Tensor& init, const at::Tensor& violation,
                    const at::Tensor& indices) {
  const int64_t observed = indices.defined() ? indices.numel() : value.numel();
  const bool lie_alike = optim::is_direct_float(value) &&
                         optim::is_direct(init, value.scalar_type()) &&
                         optim::is_direct(violation, value.scalar_type());
  return lie_alike && value.sizes() == init.sizes() && violation.numel() == observed &&
         violation.dim() <= 1 && (!indices.defined() || optim::are_rows_of(value, indices));
}

void update_elements(const at::Tensor& value, const at::Tensor& init, const at::Tensor& violation,
                     const at::Tensor& indices, const PenaltyUpdate& update) {
  const int64_t* row = indices.defined() ? indices.const_data_ptr<int64_t>() : nullptr;
  optim::with_element_type(value, [&](auto zero) {
    using T = decltype(zero);
    const T tolerance = static_cast<T>(update.tolerance);  // rounded, as ATen compares
    const T* start = init.const_data_ptr<T>();
    const T* observed = violation.const_data_ptr<T>();
    const T* before = value.const_data_ptr<T>();
    // An index may be observed twice: every new value comes from the one before the update.
    c10::SmallVector<T, 64> updated(violation.numel());
    for (size_t i = 0; i < updated.size(); ++i) {
      const int64_t at = row != nullptr ? row[i] : static_cast<int64_t>(i);
      const T measure = observed[i] < 0 ? (update.inequality ? T(0) : -observed[i]) : observed[i];
      updated[i] = before[at];
      if (measure > tolerance) {
        updated[i] = before[at] * static_cast<T>(update.factor) + static_cast<T>(update.summand);
      } else if (update.restart && measure == 0) {
        updated[i] = start[at];
      }
    }
    T* after = optim::written<T>(value);
    for (size_t i = 0; i < updated.size(); ++i) after[row != nullptr ? row[i] : i] = updated[i];
  });
}

}  // namespace

void update_penalty(const at::Tensor& value, const at::Tensor& init, const at::Tensor& violation,
                    const at::Tensor& indices, const PenaltyUpdate& update) {
  if (is_elementwise(value, init, violation, indices)) {
    update_elements(value, init, violation, indices, update);
    return;
  }
  for (const at::Tensor& observed : {violation, indices}) {
    if (observed.defined() && observed.device() != value.device()) {
      std::ostringstream text;
      text << "the "
           << (observed.is_same(violation) ? "violation is on " : "constraint features are on ")
           << observed.device() << ", its penalty coefficient on " << value.device()
           << "; move one of them, for example with cmp.to(device)";
      throw std::invalid_argument(text.str());
    }
  }
  c10::NoGradGuard no_grad;
  const bool indexed = indices.defined();
  const at::Tensor observed = indexed ? value.index_select(0, indices) : value;
  at::Tensor measure = violation.detach();
  if (update.inequality) {
    measure = measure.relu();
  }
  measure = value.dim() == 0 ? measure.norm() : measure.abs();
  if (measure.dim() == 0 && observed.dim() == 1) {
    measure = measure.unsqueeze(0);
  }
  if (measure.sizes() != observed.sizes()) {
    std::ostringstream text;
    text << "the violation has shape " << violation.sizes() << ", its penalty coefficient "
         << observed.sizes() << "; give the coefficient one element per violation, or a scalar";
    throw std::invalid_argument(text.str());
  }
  at::Tensor updated =
      at::where(measure > update.tolerance, observed * update.factor + update.summand, observed);
  if (update.restart) {
    updated = at::where(measure == 0,
                        indexed && init.dim() > 0 ? init.index_select(0, indices) : init, updated);
  }
  if (indexed) {
    value.index_copy_(0, indices, updated);
  } else {
    value.copy_(updated);
  }
}

}  // namespace cooper4j
