#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <stdexcept>

#include "cooper4j/lagrangian.h"
#include "lagrangian/backward.h"
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

/// ∂(primal Lagrangian)/∂violation, shaped like the violation.
at::Tensor primal_weight(const Term& term, const Factors& factors, const at::Tensor& violation) {
  if (term.formulation == Formulation::kLagrangian && is_small(factors.multiplier)) {
    return map_small(violation.sizes(), same, factors.multiplier);
  }
  if (term.formulation == Formulation::kAugmentedLagrangian &&
      is_small(violation, factors.multiplier, factors.penalty)) {
    const auto weight = [&term](auto v, auto multiplier, auto penalty) {
      const auto sum = multiplier + penalty * v;
      return term.inequality && sum < 0 ? decltype(sum)(0) : sum;
    };
    return map_small(violation.sizes(), weight, violation, factors.multiplier, factors.penalty);
  }
  const at::Tensor v = at_least_1d(violation.detach());
  at::Tensor weight;
  switch (term.formulation) {
    case Formulation::kQuadraticPenalty:
      weight = factors.penalty * (term.inequality ? v.relu() : v);
      break;
    case Formulation::kAugmentedLagrangian:
      weight = at::addcmul(factors.multiplier, factors.penalty, v);
      if (term.inequality) {
        weight.relu_();
      }
      break;
    default:
      weight = factors.multiplier;
  }
  return weight.view(violation.sizes());
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
      if (contributes(k, side)) {
        check_term(terms_[k], k, side);
      }
    }
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
      factors.multiplier = read_factor(multiplier.detach(), term.multiplier_kind, features);
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
    // Viewed first, negated second: an optimizer cannot clear a gradient that is a view.
    const auto descent = [&term](at::IntArrayRef shape) {
      const at::Tensor& violation = term.dual_violation();
      if (is_small(violation)) return map_small(shape, negated, violation);
      return violation.detach().reshape(shape).neg();
    };
    switch (term.multiplier_kind) {
      case Factor::kDense:
        accumulate_grad(term.multiplier, descent(term.multiplier.sizes()));
        break;
      case Factor::kIndexed:
        accumulate_grad(term.multiplier, at::_sparse_coo_tensor_unsafe(
                                             term.dual_features().unsqueeze(0),
                                             descent({term.dual_violation().numel(), 1}),
                                             term.multiplier.sizes(), term.multiplier.options()));
        break;
      default: {
        const at::Tensor& value =
            term.strict_multiplier.defined() ? term.strict_multiplier : term.multiplier;
        if (value.requires_grad()) {
          roots->push_back(value);
          gradients->push_back(descent(value.sizes()));
        }
      }
    }
  }
}

void Evaluation::backward() {
  if (graph_freed_) {
    throw std::logic_error("backward() was called twice; compute the Lagrangian again first");
  }
  c10::NoGradGuard no_grad;
  std::vector<at::Tensor> roots;
  std::vector<at::Tensor> gradients;
  if (primal_) {
    if (loss_.defined() && loss_.requires_grad()) {
      roots.push_back(loss_);
      gradients.push_back(is_small(loss_) ? map_small(loss_.sizes(), one, loss_)
                                          : at::ones_like(loss_));
    }
    for (size_t k = 0; k < terms_.size(); ++k) {
      const Term& term = terms_[k];
      const bool custom = term.formulation == Formulation::kCustom;
      const at::Tensor& root = custom ? term.contribution : term.violation;
      if (contributes(k, Side::kPrimal) && root.requires_grad()) {
        roots.push_back(root);
        gradients.push_back(custom ? at::ones_like(root)
                                   : primal_weight(term, primal_factors_[k], root));
      }
    }
    if (roots.empty()) {
      throw std::invalid_argument(
          "nothing to differentiate: neither the loss nor an observed violation requires grad");
    }
  }
  append_dual_gradients(&roots, &gradients);
  graph_freed_ = true;
  if (!roots.empty()) {
    cooper4j::backward(roots, std::move(gradients));
  }
  // A violation that is a parameter, or a view of one, would follow the optimizer's step.
  for (Term& term : terms_) {
    if (term.violation.defined() && (term.violation.is_view() || term.violation.is_leaf())) {
      term.violation = is_small(term.violation)
                           ? map_small(term.violation.sizes(), same, term.violation)
                           : term.violation.detach().clone();
    }
  }
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
