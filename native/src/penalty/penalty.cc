#include "cooper4j/penalty.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "data_of.h"
#include "lagrangian/barrier.h"
#include "optim/direct.h"
#include "optim/rows.h"

namespace cooper4j {
namespace {

void require(bool holds, const char* what, double found, const char* expected) {
  if (holds) return;
  std::ostringstream text;
  text << what << " is " << found << "; it must be " << expected;
  throw std::invalid_argument(text.str());
}

void check(const PenaltyUpdate& update) {
  const auto not_negative = [](double value) { return std::isfinite(value) && value >= 0; };
  require(not_negative(update.factor), "factor", update.factor, "finite and >= 0");
  require(not_negative(update.summand), "summand", update.summand, "finite and >= 0");
  require(!std::isnan(update.tolerance), "tolerance", update.tolerance, "a number");
  require(update.leak >= 0 && update.leak <= 1, "leak", update.leak, "in [0, 1]");
  require(update.maximum > 0, "maximum", update.maximum, "> 0");
}

[[noreturn]] void refuse_overflow(const at::Tensor& value, int64_t entry) {
  std::ostringstream text;
  text << "entry " << entry << " of its penalty coefficient grew so large that it, or its product "
       << "with the violation, overflows " << c10::toString(value.scalar_type())
       << "; give the updater a maximum, or a lower one";
  throw std::overflow_error(text.str());
}

void check_rows(const at::Tensor& value, const at::Tensor& indices) {
  if (indices.scalar_type() != at::kLong || indices.dim() != 1) {
    std::ostringstream text;
    text << "the constraint features are " << c10::toString(indices.scalar_type()) << " "
         << indices.sizes() << "; an indexed penalty coefficient expects int64 [m]";
    throw std::invalid_argument(text.str());
  }
  if (!indices.is_cpu()) return;  // reading them would wait for the device
  const at::Tensor rows = indices.contiguous();
  for (int64_t i = 0; i < rows.numel(); ++i) {
    const int64_t row = data_of<int64_t>(rows)[i];
    if (row >= 0 && row < value.numel()) continue;
    std::ostringstream text;
    text << "constraint feature " << row << " is out of range: the penalty coefficient has "
         << value.numel() << " entries";
    throw std::invalid_argument(text.str());
  }
}

void check(const BarrierUpdate& update) {
  require(std::isfinite(update.factor) && update.factor >= 0, "factor", update.factor,
          "finite and >= 0");
  require(std::isfinite(update.delta) && update.delta > 0, "delta", update.delta, "finite and > 0");
  require(update.lower > 0, "lower", update.lower, "> 0");
  require(update.upper >= update.lower, "upper", update.upper, "at least lower");
}

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
  const int64_t* row = indices.defined() ? data_of<int64_t>(indices) : nullptr;
  optim::with_element_type(value, [&](auto zero) {
    using T = decltype(zero);
    const T tolerance = static_cast<T>(update.tolerance);  // rounded, as ATen compares
    const T maximum = static_cast<T>(update.maximum);
    const T* start = data_of<T>(init);
    const T* observed = data_of<T>(violation);
    const T* before = data_of<T>(value);
    // An index may be observed twice: every new value comes from the one before the update.
    c10::SmallVector<T, 64> updated(violation.numel());
    for (size_t i = 0; i < updated.size(); ++i) {
      const int64_t at = row != nullptr ? row[i] : static_cast<int64_t>(i);
      const T measure = observed[i] < 0 ? (update.inequality ? T(0) : -observed[i]) : observed[i];
      updated[i] = before[at];
      if (measure > tolerance) {
        const T raised =
            before[at] * static_cast<T>(update.factor) + static_cast<T>(update.summand);
        updated[i] = std::min(raised, std::max(maximum, before[at]));
        if (!std::isfinite(updated[i] * std::max(measure, T(1)))) refuse_overflow(value, at);
      } else if (update.leak != 0 && measure == 0) {
        const T excess = before[at] - start[at];
        updated[i] =
            update.leak == 1 ? start[at] : before[at] - static_cast<T>(update.leak) * excess;
      }
    }
    T* after = optim::written<T>(value);
    for (size_t i = 0; i < updated.size(); ++i) after[row != nullptr ? row[i] : i] = updated[i];
  });
}

}  // namespace

void update_penalty(const at::Tensor& value, const at::Tensor& init, const at::Tensor& violation,
                    const at::Tensor& indices, const PenaltyUpdate& update) {
  check(update);
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
  if (indexed) check_rows(value, indices);
  const at::Tensor observed = indexed ? value.index_select(0, indices) : value;
  at::Tensor measure = violation.detach();
  if (update.inequality) {
    measure = measure.relu();
  }
  measure = value.dim() == 0 ? measure.norm() : measure.abs();
  // One coefficient for a violation of any length, of which nothing was observed.
  if (measure.numel() == 0 && observed.numel() == 1) return;
  if (measure.dim() == 0 && observed.dim() == 1) {
    measure = measure.unsqueeze(0);
  }
  if (measure.sizes() != observed.sizes()) {
    std::ostringstream text;
    text << "the violation has shape " << violation.sizes() << ", its penalty coefficient "
         << observed.sizes() << "; give the coefficient one element per violation, or a scalar";
    throw std::invalid_argument(text.str());
  }
  const at::Tensor raised =
      (observed * update.factor + update.summand).minimum(observed.clamp_min(update.maximum));
  at::Tensor updated = at::where(measure > update.tolerance, raised, observed);
  const at::Tensor finite = (updated * measure.to(value.scalar_type()).clamp_min(1)).isfinite();
  if (value.is_cpu()) {
    const bool* holds = data_of<bool>(finite);
    for (int64_t i = 0; i < finite.numel(); ++i) {
      if (!holds[i]) refuse_overflow(value, indexed ? indices[i].item<int64_t>() : i);
    }
  } else {
    updated = at::where(finite, updated, observed);
  }
  if (update.leak != 0 && update.tolerance >= 0) {
    const at::Tensor start = indexed && init.dim() > 0 ? init.index_select(0, indices) : init;
    updated = at::where(measure == 0, update.leak == 1 ? start : observed.lerp(start, update.leak),
                        updated);
  }
  if (indexed) {
    value.index_copy_(0, indices, updated);
  } else {
    value.copy_(updated);
  }
}

void update_barrier_penalty(const at::Tensor& value, const at::Tensor& multiplier,
                            const at::Tensor& violation, const at::Tensor& indices,
                            const BarrierUpdate& update) {
  check(update);
  c10::NoGradGuard no_grad;
  const bool indexed = indices.defined();
  if (indexed) check_rows(value, indices);
  const at::Tensor p = indexed ? value.index_select(0, indices) : value;
  const at::Tensor all = multiplier.detach().flatten();
  const at::Tensor lambda = indexed ? all.index_select(0, indices) : all;
  const at::Tensor g = violation.detach().flatten();
  if (p.dim() != 1 || p.numel() != g.numel() || p.numel() != lambda.numel()) {
    std::ostringstream text;
    text << "the violation has shape " << violation.sizes() << ", its penalty coefficient "
         << p.sizes() << ", its multiplier " << lambda.sizes()
         << "; give the last two one element per violation";
    throw std::invalid_argument(text.str());
  }
  const double K = update.factor;
  at::Tensor updated;
  switch (update.rule) {
    case BarrierRule::kDiminish:
      updated = p * K;
      break;
    case BarrierRule::kDiminishByMultiplier:
      updated = p * K * lambda;
      break;
    case BarrierRule::kAdapt: {
      const at::Tensor slope = barrier_slope(update.formulation, g);
      const at::Tensor divisor = at::where(slope < 1, slope, update.delta * slope) + 1e-8;
      updated = p * K + (1 - K) * p / divisor;
      break;
    }
    case BarrierRule::kAdditiveIncrease:
      updated = at::where(g > 0, p * K, p + 0.1);
      break;
    default:
      updated = lambda * K;
  }
  updated = updated.to(value.scalar_type()).clamp(update.lower, update.upper);
  if (indexed) {
    value.index_copy_(0, indices, updated);
  } else {
    value.copy_(updated);
  }
}

}  // namespace cooper4j
