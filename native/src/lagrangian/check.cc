#include "lagrangian/check.h"

#include <ATen/ATen.h>
#include <c10/core/ScalarType.h>

#include <cstring>
#include <sstream>
#include <stdexcept>

#include "indices.h"
#include "lagrangian/barrier.h"

namespace cooper4j {
namespace {

/// A term, as an error calls it.
struct Which {
  const Term& term;
  size_t k;
};

std::ostream& operator<<(std::ostream& out, const Which& which) {
  return which.term.name != nullptr ? out << '\'' << *which.term.name << '\''
                                    : out << '{' << which.k << '}';
}

template <typename... Parts>
[[noreturn]] void fail(const Which& which, const Parts&... parts) {
  std::ostringstream text;
  text << "constraint " << which << ": ";
  (text << ... << parts);
  throw std::invalid_argument(text.str());
}

/// PyTorch's name, such as float32.
std::string name(at::ScalarType dtype) { return std::string(c10::getDtypeNames(dtype).first); }

/// A set exponent of all ones is infinity or NaN; integer tests vectorise where float ones do not.
template <typename Bits>
bool finite_bits(const void* data, int64_t count, Bits exponent) {
  const char* bytes = static_cast<const char*>(data);
  bool bad = false;
  for (int64_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, bytes + i * sizeof(Bits), sizeof(Bits));
    bad |= (bits & exponent) == exponent;
  }
  return !bad;
}

bool all_finite(const at::Tensor& tensor) {
  // A zero tensor of forward-mode AD has no memory.
  if (tensor._is_zerotensor()) return true;
  const at::Tensor values = tensor.is_contiguous() ? tensor : tensor.detach().contiguous();
  switch (values.scalar_type()) {
    case at::kFloat:
      return finite_bits<uint32_t>(values.const_data_ptr(), values.numel(), 0x7f800000U);
    case at::kDouble:
      return finite_bits<uint64_t>(values.const_data_ptr(), values.numel(), 0x7ff0000000000000ULL);
    default:
      return at::isfinite(values.detach()).all().item<bool>();
  }
}

void check_violation(const at::Tensor& violation, const Which& which, const char* what) {
  if (!violation.defined()) {
    fail(which, what, " is missing; give the ConstraintState a tensor");
  }
  if (!violation.is_floating_point()) {
    fail(which, what, " has dtype ", name(violation.scalar_type()),
         "; expected a floating point tensor");
  }
  if (violation.layout() != at::kStrided) {
    fail(which, what, " is not a dense tensor; call to_dense()");
  }
  // On CUDA this look at the values would wait for the device, so it is a CPU check only.
  if (violation.device().is_cpu() && !all_finite(violation)) {
    fail(which, what, " is NaN or infinite");
  }
}

void check_features(const at::Tensor& features, const at::Tensor& violation, const Which& which,
                    const char* factor) {
  if (!features.defined()) {
    fail(which, "its ", factor,
         " is indexed, but the ConstraintState has no constraint features; give it the int64 "
         "indices of the observed constraints");
  }
  if (features.scalar_type() != at::kLong) {
    fail(which, "constraint features have dtype ", name(features.scalar_type()),
         "; expected int64 indices (a boolean mask is not accepted: use its nonzero())");
  }
  if (features.layout() != at::kStrided) {
    fail(which, "constraint features are not a dense tensor; call to_dense()");
  }
  if (features.dim() != 1 || features.numel() != violation.numel() || violation.dim() > 1) {
    fail(which, "constraint features have shape ", features.sizes(), ", violation has shape ",
         violation.sizes(), "; expected one index per violation");
  }
  if (features.device() != violation.device()) {
    fail(which, "constraint features are on ", features.device(), ", violation is on ",
         violation.device(), "; move them to one device");
  }
}

/// The entry of a table at every feature.
void check_table(const at::Tensor& table, const at::Tensor& features, const at::Tensor& violation,
                 const Which& which, const char* what, bool is_column) {
  check_features(features, violation, which, what);
  const bool fits = is_column ? table.dim() == 2 && table.size(1) == 1 : table.dim() == 1;
  if (!fits || table.numel() == 0) {
    fail(which, "its indexed ", what, " has shape ", table.sizes(), "; expected ",
         is_column ? "[num_constraints, 1]" : "a scalar or [num_constraints]");
  }
  if (const auto stray = stray_index(features, table.size(0))) {
    fail(which, "constraint features have the index ", *stray, ", its ", what, " has ",
         table.size(0), table.size(0) == 1 ? " entry" : " entries",
         "; an index is at least 0 and below that");
  }
}

void check_factor(const at::Tensor& factor, Factor kind, const at::Tensor& violation,
                  const at::Tensor& features, const Which& which, const char* what,
                  bool is_penalty) {
  if (!factor.defined()) {
    fail(which, "its ", what, " is missing");
  }
  if (!factor.is_floating_point()) {
    fail(which, "its ", what, " has dtype ", name(factor.scalar_type()),
         "; expected a floating point tensor");
  }
  if (factor.layout() != at::kStrided) {
    fail(which, "its ", what, " is not a dense tensor; call to_dense()");
  }
  if (factor.device() != violation.device()) {
    fail(which, "violation is on ", violation.device(), ", its ", what, " is on ", factor.device(),
         "; move one of them, for example with cmp.to(device)");
  }
  if (kind == Factor::kIndexed && !(is_penalty && factor.dim() == 0)) {
    check_table(factor, features, violation, which, what, !is_penalty);
    return;
  }
  if (is_penalty && factor.numel() == 1 && factor.dim() <= 1) {
    return;
  }
  const bool fits = violation.dim() <= 1 ? factor.numel() == violation.numel() && factor.dim() <= 1
                                         : factor.sizes() == violation.sizes();
  if (!fits) {
    fail(which, "violation has shape ", violation.sizes(), ", its ", what, " has ", factor.numel(),
         factor.numel() == 1 ? " element" : " elements", factor.dim() > 1 ? " in shape " : "",
         factor.dim() > 1 ? c10::str(factor.sizes()) : "", "; give the ", what,
         " one element per violation (", violation.numel(),
         "), or observe a one-dimensional violation");
  }
}

}  // namespace

void check_loss(const at::Tensor& loss) {
  if (!loss.is_floating_point()) {
    throw std::invalid_argument("the loss has dtype " + name(loss.scalar_type()) +
                                "; expected a floating point scalar");
  }
  if (loss.numel() != 1 || loss.layout() != at::kStrided) {
    throw std::invalid_argument("the loss has shape " + c10::str(loss.sizes()) +
                                "; expected a dense scalar, such as its mean()");
  }
  if (loss.device().is_cpu() && !all_finite(loss)) {
    throw std::invalid_argument("the loss is NaN or infinite");
  }
}

bool check_differentiable(const Term& term, size_t k) {
  const bool custom = term.formulation == Formulation::kCustom;
  const at::Tensor& root = custom ? term.contribution : term.violation;
  if (root.requires_grad()) return true;
  if (root.numel() == 0) return false;
  fail({term, k}, "its ", custom ? "formulation's contribution" : "violation",
       " contributes to the primal update but requires no grad; give a differentiable violation "
       "(and this one as strict violation), or switch off its contribution to the primal update");
}

void check_learns(const at::Tensor& value, const Term& term, size_t k) {
  if (!term.multiplier_learns || value.requires_grad()) return;
  fail({term, k},
       "its multiplier requires no grad, so that its module would not learn; compute it with "
       "gradients enabled (no NoGradGuard around it) and without detach()");
}

void check_has_lagrangian(const Term& term, size_t k) {
  if (term.formulation != Formulation::kSwitched) return;
  fail({term, k},
       "its formulation switches between objectives and has no Lagrangian; roll it with a "
       "SwitchingSubgradientOptimizer, or choose another formulation");
}

void check_is_switched(const Term& term, size_t k) {
  if (term.formulation == Formulation::kSwitched) return;
  fail({term, k},
       "its formulation has a Lagrangian, of which a SwitchingSubgradientOptimizer makes no use; "
       "give it the formulation Switched, or take the optimizer that its formulation is for, such "
       "as SimultaneousOptimizer");
}

void check_weight(const at::Tensor& weight, const Term& term, size_t k) {
  if (!weight.is_cpu() || all_finite(weight)) return;
  const at::ScalarType dtype = weight.scalar_type();
  const bool narrow = c10::elementSize(dtype) < sizeof(float);
  fail(
      {term, k}, "its multiplier, or its penalty coefficient times the violation, overflows ",
      name(dtype), "; ",
      narrow ? "compute the violation in float32, or keep it finite with " : "keep it finite with ",
      "smaller dual steps, a maximum for the penalty, or a smaller unit for the violation");
}

void check_term(const Term& term, size_t index, Side side, bool violation_seen) {
  const Which which{term, index};
  const bool primal = side == Side::kPrimal;
  const at::Tensor& violation = primal ? term.violation : term.dual_violation();
  const at::Tensor& features = primal ? term.features : term.dual_features();
  if (!violation_seen) {
    check_violation(violation, which,
                    !primal && term.strict_violation.defined() ? "strict violation" : "violation");
  }
  // The same tensors on both sides fit on both, or on none.
  const bool factors_seen =
      violation_seen && !term.strict_features.defined() && !term.strict_multiplier.defined();
  if (term.multiplier_kind != Factor::kNone) {
    const bool strict = !primal && term.strict_multiplier.defined();
    const at::Tensor& multiplier = strict ? term.strict_multiplier : term.multiplier;
    if (!factors_seen) {
      check_factor(multiplier, term.multiplier_kind, violation, features, which, "multiplier",
                   false);
      if (term.multiplier_kind == Factor::kValue && multiplier.device().is_cpu() &&
          !all_finite(multiplier)) {
        fail(which, "its multiplier is NaN or infinite");
      }
    }
    if (!primal && multiplier.scalar_type() != violation.scalar_type() &&
        violation.device().is_cpu() &&
        !all_finite(violation.detach().to(multiplier.scalar_type()))) {
      fail(which, "violation is too large for its multiplier's ", name(multiplier.scalar_type()),
           "; give the multiplier the dtype ", name(violation.scalar_type()),
           ", or divide the violation by a typical size");
    }
  }
  if (term.penalty_kind != Factor::kNone && !factors_seen) {
    check_factor(term.penalty, term.penalty_kind, violation, features, which, "penalty coefficient",
                 true);
    if (is_barrier(term.formulation) && term.penalty.is_cpu() &&
        !term.penalty.gt(0).all().item<bool>()) {
      fail(which,
           "its penalty coefficient, by which a penalty/barrier function divides, is 0; give "
           "it positive values");
    }
  }
  if (primal && term.formulation == Formulation::kCustom && term.contribution.defined() &&
      term.contribution.is_floating_point() && term.contribution.layout() == at::kStrided &&
      term.contribution.device().is_cpu() && !all_finite(term.contribution)) {
    fail(which, "its formulation's contribution to the primal Lagrangian is NaN or infinite");
  }
  if (primal && term.formulation == Formulation::kCustom &&
      (!term.contribution.defined() || term.contribution.numel() != 1 ||
       !term.contribution.is_floating_point() || term.contribution.layout() != at::kStrided)) {
    fail(which,
         "its formulation's contribution to the primal Lagrangian is not a floating point scalar");
  }
}

}  // namespace cooper4j
