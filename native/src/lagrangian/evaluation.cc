#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "cooper4j/lagrangian.h"
#include "data_of.h"
#include "lagrangian/backward.h"
#include "lagrangian/barrier.h"
#include "lagrangian/check.h"
#include "lagrangian/small.h"

namespace cooper4j {
namespace {

constexpr auto same = [](auto value) { return value; };
constexpr auto one = [](auto value) { return decltype(value)(1); };
constexpr auto negated = [](auto value) { return -value; };

at::Tensor read_factor(const at::Tensor& factor, Factor kind, const at::Tensor& features) {
  if (kind == Factor::kIndexed && factor.dim() > 0) {
    return factor.index_select(0, features).flatten();
  }
  if (is_small(factor)) {
    const int64_t length = factor.numel();
    return map_small(factor.dim() == 0 ? at::IntArrayRef(length) : factor.sizes(), same, factor);
  }
  return at_least_1d(factor).clone();
}

/// Whether a step, or the next write of whoever made it, could change what `t` reports: it is a
/// variable, or shares memory with one.
bool may_change(const at::Tensor& t) { return t.is_leaf() || (t.is_view() && t._base().is_leaf()); }

/// Replaces what may change by a copy in the same graph; whether it did.
bool make_own(at::Tensor& t) {
  if (!t.defined() || !t.has_storage() || !may_change(t)) return false;
  t = !t.requires_grad() && is_small(t) ? map_small(t.sizes(), same, t) : t.clone();
  return true;
}

/// A copy of a multiplier's values where somebody besides `holders` sees them: the pass over the
/// graph may store the gradient it is given in a leaf.
at::Tensor seed(const at::Tensor& values, size_t holders) {
  return values.use_count() > holders ? values.clone() : values;
}

/// ∂(primal Lagrangian)/∂violation of one element, in the formulations that have both factors.
template <typename T>
T weight_of(const Term& term, T violation, T multiplier, T penalty) {
  const auto above = [&](T value) { return term.inequality && value < 0 ? T(0) : value; };
  switch (term.formulation) {
    case Formulation::kPenalizedLagrangian:
      return multiplier + penalty * above(violation);
    case Formulation::kQuadraticLogarithmic:
    case Formulation::kQuadraticReciprocal:
      return multiplier * barrier_slope(term.formulation, violation / penalty);
    default:
      return above(multiplier + penalty * violation);
  }
}

/// ∂(primal Lagrangian)/∂violation, shaped like the violation and of its dtype.
at::Tensor primal_weight(const Term& term, const Factors& factors, const at::Tensor& violation,
                         size_t holders) {
  if (term.formulation == Formulation::kLagrangian && is_small(factors.multiplier) &&
      factors.multiplier.scalar_type() == violation.scalar_type()) {
    return map_small(violation.sizes(), same, factors.multiplier);
  }
  if (factors.multiplier.defined() && factors.penalty.defined() &&
      is_small(violation, factors.multiplier, factors.penalty)) {
    const auto weight = [&term](auto v, auto multiplier, auto penalty) {
      return weight_of(term, v, multiplier, penalty);
    };
    return map_small(violation.sizes(), weight, violation, factors.multiplier, factors.penalty);
  }
  const at::Tensor v = at_least_1d(violation.detach());
  at::Tensor weight;
  switch (term.formulation) {
    case Formulation::kQuadraticPenalty:
      weight = factors.penalty * (term.inequality ? v.relu() : v);
      break;
    case Formulation::kPenalizedLagrangian:
      weight = factors.multiplier + factors.penalty * (term.inequality ? v.relu() : v);
      break;
    case Formulation::kQuadraticLogarithmic:
    case Formulation::kQuadraticReciprocal:
      weight = factors.multiplier * barrier_slope(term.formulation, v / factors.penalty);
      break;
    case Formulation::kAugmentedBothSides:
    case Formulation::kAugmentedLagrangian: {
      const at::ScalarType dtype = at::promote_types(
          v.scalar_type(),
          at::promote_types(factors.multiplier.scalar_type(), factors.penalty.scalar_type()));
      weight = at::addcmul(factors.multiplier.to(dtype), factors.penalty.to(dtype), v.to(dtype));
      if (term.inequality) {
        weight.relu_();
      }
      break;
    }
    default:
      weight = seed(factors.multiplier, holders);
  }
  return weight.to(violation.scalar_type()).view(violation.sizes());
}

/// The negated direction in which a multiplier ascends, new, outside of any graph.
at::Tensor dual_descent(const Term& term, const Factors& factors, at::IntArrayRef shape) {
  const at::Tensor& violation = term.dual_violation();
  const at::ScalarType dtype = term.multiplier.scalar_type();
  const bool own = is_barrier(term.formulation) ||
                   (term.formulation == Formulation::kAugmentedBothSides && term.inequality);
  if (!own && is_small(violation) && violation.scalar_type() == dtype) {
    return map_small(shape, negated, violation);
  }
  // Viewed first, negated second: an optimizer cannot clear a gradient that is a view.
  if (!own) return violation.detach().reshape(shape).to(dtype).neg();
  const at::Tensor v = at_least_1d(violation.detach());
  const at::Tensor& multiplier = factors.multiplier;
  at::Tensor direction;
  if (is_barrier(term.formulation)) {
    direction = multiplier * (barrier_slope(term.formulation, v / factors.penalty) - 1);
  } else {
    // Without a penalty the limit, the violation.
    direction = at::where(factors.penalty > 0, v.maximum(-multiplier / factors.penalty), v);
  }
  return direction.reshape(shape).to(dtype).neg();
}

/// The gradient's indices [1, m], which outlive what the caller does with his.
at::Tensor own_indices(const at::Tensor& features) {
  if (!optim::is_direct(features, at::kLong)) return features.clone().unsqueeze(0);
  at::Tensor indices = at::detail::empty_cpu({1, features.numel()}, features.options());
  std::copy_n(data_of<int64_t>(features), features.numel(), indices.mutable_data_ptr<int64_t>());
  return indices;
}

/// What the primal Lagrangian's gradient flows from.
const at::Tensor& primal_root(const Term& term) {
  return term.formulation == Formulation::kCustom ? term.contribution : term.violation;
}

void accumulate_grad(const at::Tensor& leaf, const at::Tensor& gradient) {
  at::Tensor& grad = leaf.mutable_grad();
  grad = grad.defined() ? grad + gradient : gradient;
}

}  // namespace

Evaluation::Evaluation(at::Tensor loss, std::vector<Term> terms, bool primal, bool dual)
    : loss_(std::move(loss)),
      terms_(std::move(terms)),
      primal_(primal),
      dual_(dual),
      primal_factors_(terms_.size()),
      dual_factors_(terms_.size()) {
  if (primal_ && loss_.defined()) check_loss(loss_);
  for (size_t k = 0; k < terms_.size(); ++k) {
    for (Side side : {Side::kPrimal, Side::kDual}) {
      const bool seen = side == Side::kDual && contributes(k, Side::kPrimal) &&
                        !terms_[k].strict_violation.defined();
      if (contributes(k, side)) {
        check_term(terms_[k], k, side, seen);
      }
    }
  }
  if (make_own(loss_)) copied_ = true;
  for (Term& term : terms_) {
    if (make_own(term.violation)) copied_ = true;
    if (make_own(term.strict_violation)) copied_ = true;
    make_own(term.contribution);
  }
  c10::NoGradGuard no_grad;
  for (size_t k = 0; k < terms_.size(); ++k) {
    evaluate(k);
  }
}

bool Evaluation::contributes(size_t k, Side side) const {
  const Term& term = terms_.at(k);
  if (side == Side::kPrimal) {
    return primal_ && term.contributes_to_primal;
  }
  return dual_ && term.contributes_to_dual && term.multiplier_kind != Factor::kNone;
}

const Factors& Evaluation::factors(size_t k, Side side) const {
  return side == Side::kPrimal ? primal_factors_.at(k) : dual_factors_.at(k);
}

void Evaluation::evaluate(size_t k) {
  const Term& term = terms_[k];
  const auto read = [&](const at::Tensor& multiplier, const at::Tensor& features,
                        const at::Tensor& violation) {
    Factors factors;
    if (term.multiplier_kind != Factor::kNone) {
      factors.multiplier = read_factor(multiplier, term.multiplier_kind, features);
    }
    if (term.penalty_kind != Factor::kNone) {
      factors.penalty = read_factor(term.penalty, term.penalty_kind, features);
      if (factors.penalty.numel() == 1 && violation.numel() > 1) {
        factors.penalty = factors.penalty.expand(violation.sizes());
      }
    }
    return factors;
  };
  const bool primal = contributes(k, Side::kPrimal);
  if (primal) {
    primal_factors_[k] = read(term.multiplier, term.features, term.violation);
  }
  if (contributes(k, Side::kDual)) {
    const bool same = primal && !term.strict_violation.defined();
    dual_factors_[k] =
        same ? primal_factors_[k]
             : read(term.strict_multiplier.defined() ? term.strict_multiplier : term.multiplier,
                    term.dual_features(), term.dual_violation());
  }
}

void Evaluation::append_dual_gradients(std::vector<at::Tensor>* roots,
                                       std::vector<at::Tensor>* gradients) {
  for (size_t k = 0; k < terms_.size(); ++k) {
    const Term& term = terms_[k];
    if (!contributes(k, Side::kDual)) {
      continue;
    }
    const auto descent = [&](at::IntArrayRef shape) {
      at::Tensor gradient = dual_descent(term, dual_factors_[k], shape);
      if (is_barrier(term.formulation)) check_weight(gradient, term, k);
      return gradient;
    };
    if (term.multiplier_kind != Factor::kValue && !term.multiplier.requires_grad()) {
      continue;  // frozen: no optimizer would clear its gradient
    }
    switch (term.multiplier_kind) {
      case Factor::kDense:
        accumulate_grad(term.multiplier, descent(term.multiplier.sizes()));
        break;
      case Factor::kIndexed:
        accumulate_grad(term.multiplier, at::_sparse_coo_tensor_unsafe(
                                             own_indices(term.dual_features()),
                                             descent({term.dual_violation().numel(), 1}),
                                             term.multiplier.sizes(), term.multiplier.options()));
        break;
      default: {
        const at::Tensor& value =
            term.strict_multiplier.defined() ? term.strict_multiplier : term.multiplier;
        check_learns(value, term, k);
        if (value.requires_grad()) {
          roots->push_back(value);
          gradients->push_back(descent(value.sizes()));
        }
      }
    }
  }
}

void Evaluation::check_differentiable() const {
  const bool enabled = c10::GradMode::is_enabled();
  if (enabled && loss_.defined() && !loss_.requires_grad()) {
    throw std::invalid_argument(
        "the loss requires no grad, so that it would be left out: does it depend on the variables, "
        "and do they require grad? A problem without an objective has a state without a loss");
  }
  bool contributes_to_primal = loss_.defined();
  bool differentiable = loss_.defined() && loss_.requires_grad();
  for (size_t k = 0; k < terms_.size(); ++k) {
    if (contributes(k, Side::kPrimal)) {
      contributes_to_primal = true;
      differentiable |= enabled && cooper4j::check_differentiable(terms_[k], k);
    }
  }
  if (contributes_to_primal && !differentiable) {
    throw std::invalid_argument(
        enabled
            ? "nothing to differentiate: neither the loss nor an observed violation requires grad"
            : "nothing to differentiate: gradients are disabled here; leave the NoGradGuard");
  }
}

void Evaluation::append_primal_gradients(std::vector<at::Tensor>* roots,
                                         std::vector<at::Tensor>* gradients) const {
  if (loss_.defined() && loss_.requires_grad()) {
    roots->push_back(loss_);
    gradients->push_back(is_small(loss_) ? map_small(loss_.sizes(), one, loss_)
                                         : at::ones_like(loss_));
  }
  for (size_t k = 0; k < terms_.size(); ++k) {
    const Term& term = terms_[k];
    const at::Tensor& root = primal_root(term);
    if (!contributes(k, Side::kPrimal) || !root.requires_grad()) continue;
    const bool shared = primal_factors_[k].multiplier.defined() &&
                        primal_factors_[k].multiplier.is_same(dual_factors_[k].multiplier);
    roots->push_back(root);
    gradients->push_back(term.formulation == Formulation::kCustom
                             ? at::ones_like(root)
                             : primal_weight(term, primal_factors_[k], root, shared ? 2 : 1));
    check_weight(gradients->back(), term, k);
  }
}

void Evaluation::make_factors_own() {
  for (size_t k = 0; k < terms_.size(); ++k) {
    at::Tensor& multiplier = primal_factors_[k].multiplier;
    if (!multiplier.defined() || !multiplier.has_storage() ||
        multiplier.storage().use_count() == 1) {
      continue;
    }
    const bool shared = multiplier.is_same(dual_factors_[k].multiplier);
    multiplier = multiplier.clone();
    if (shared) dual_factors_[k].multiplier = multiplier;
  }
}

void Evaluation::backward() { differentiate(primal_, dual_); }

void Evaluation::backward(Side side) {
  differentiate(primal_ && side == Side::kPrimal, dual_ && side == Side::kDual);
}

void Evaluation::differentiate(bool primal, bool dual) {
  if ((primal && graph_freed_) || (dual && dual_differentiated_)) {
    throw std::logic_error("backward() was called twice; compute the Lagrangian again first");
  }
  if (primal_ && !graph_freed_) check_differentiable();
  for (size_t k = 0; primal && k < terms_.size(); ++k) {
    if (contributes(k, Side::kPrimal)) check_has_lagrangian(terms_[k], k);
  }
  c10::NoGradGuard no_grad;
  std::vector<at::Tensor> roots;
  std::vector<at::Tensor> gradients;
  if (primal) {
    append_primal_gradients(&roots, &gradients);
    graph_freed_ = true;
  }
  if (dual) {
    append_dual_gradients(&roots, &gradients);
    dual_differentiated_ = true;
  }
  cooper4j::backward(roots, std::move(gradients));
  if (primal) make_factors_own();
}

bool Evaluation::backward_switched(double tolerance, double scale) {
  if (graph_freed_) {
    throw std::logic_error("backward() was called twice; compute the Lagrangian again first");
  }
  for (size_t k = 0; k < terms_.size(); ++k) {
    if (contributes(k, Side::kPrimal)) check_is_switched(terms_[k], k);
  }
  check_differentiable();
  c10::NoGradGuard no_grad;
  const auto measure = [](const Term& term, const at::Tensor& violation) {
    return term.inequality ? violation.detach() : violation.detach().abs();
  };
  std::vector<at::Tensor> largest;
  std::vector<size_t> at;
  for (size_t k = 0; k < terms_.size(); ++k) {
    if (!contributes(k, Side::kPrimal) || terms_[k].dual_violation().numel() == 0) continue;
    largest.push_back(measure(terms_[k], terms_[k].dual_violation()).max().to(at::kDouble));
    at.push_back(k);
  }
  std::vector<at::Tensor> roots;
  std::vector<at::Tensor> gradients;
  const at::Tensor values = largest.empty() ? at::Tensor() : at::stack(largest).cpu();
  const double worst = largest.empty() ? 0 : values.max().item<double>();
  const bool switched = !largest.empty() && worst > tolerance;
  if (switched) {
    double ties = 0;
    for (size_t i = 0; i < at.size(); ++i) {
      if (values[static_cast<int64_t>(i)].item<double>() != worst) continue;
      const Term& term = terms_[at[i]];
      const at::Tensor value = measure(term, term.violation);
      at::Tensor active = value.eq(value.max()).to(value.scalar_type());
      ties += active.sum().item<double>();
      roots.push_back(term.violation);
      gradients.push_back(term.inequality ? active : active.mul(term.violation.detach().sign()));
    }
    for (auto& gradient : gradients) gradient.mul_(scale / ties);
  } else if (loss_.defined() && loss_.requires_grad()) {
    roots.push_back(loss_);
    gradients.push_back(at::ones_like(loss_));
  }
  graph_freed_ = true;
  cooper4j::backward(roots, std::move(gradients));
  return switched;
}

at::Tensor Evaluation::contribution(size_t k) const {
  const Term& term = terms_[k];
  if (term.formulation == Formulation::kCustom) {
    return term.contribution;
  }
  const Factors& f = primal_factors_[k];
  const at::Tensor v = at_least_1d(term.violation);
  switch (term.formulation) {
    case Formulation::kQuadraticPenalty:
      return 0.5 * (f.penalty * (term.inequality ? v.relu() : v).square()).sum();
    case Formulation::kPenalizedLagrangian:
      return (f.multiplier * v + 0.5 * f.penalty * (term.inequality ? v.relu() : v).square()).sum();
    case Formulation::kQuadraticLogarithmic:
    case Formulation::kQuadraticReciprocal:
      return (f.multiplier * f.penalty * barrier(term.formulation, v / f.penalty)).sum();
    case Formulation::kSwitched:
      return at::zeros({}, v.options());
    case Formulation::kAugmentedBothSides:
    case Formulation::kAugmentedLagrangian: {
      const at::Tensor inside = f.multiplier * v + 0.5 * f.penalty * v.square();
      if (!term.inequality) {
        return inside.sum();
      }
      // Nocedal & Wright (17.65), written so that a zero penalty is its limit, the Lagrangian.
      const at::Tensor outside = -f.multiplier.square() / (2 * f.penalty);
      return at::where(f.multiplier + f.penalty * v >= 0, inside, outside).sum();
    }
    default:
      return (f.multiplier * v).sum();
  }
}

at::Tensor Evaluation::lagrangian(Side side) const {
  c10::AutoGradMode grad_mode(side == Side::kPrimal && !graph_freed_);
  at::Tensor total;
  const auto add = [&total](const at::Tensor& part) {
    total = total.defined() ? total + part : part.clone();
  };
  if (side == Side::kPrimal && primal_ && loss_.defined()) {
    add(loss_);
  }
  for (size_t k = 0; k < terms_.size(); ++k) {
    if (contributes(k, side)) {
      add(side == Side::kPrimal
              ? contribution(k)
              : (dual_factors_[k].multiplier * at_least_1d(terms_[k].dual_violation().detach()))
                    .sum());
    }
  }
  return total.defined() ? total.reshape(at::IntArrayRef()) : total;
}

}  // namespace cooper4j
