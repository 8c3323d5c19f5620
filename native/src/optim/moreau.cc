#include "cooper4j/optim/moreau.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <stdexcept>

#include "cooper4j/checkpoint.h"
#include "optim/arguments.h"

namespace cooper4j {

MoreauEnvelope::MoreauEnvelope(double mu, double beta, int64_t period)
    : mu_(mu), beta_(beta), period_(period) {
  if (!(mu >= 0) || std::isinf(mu)) {
    optim::refuse("MoreauEnvelope", "mu", "finite and at least 0", mu);
  }
  if (!(beta >= 0 && beta <= 1)) optim::refuse("MoreauEnvelope", "beta", "in [0, 1]", beta);
  if (period < 1) {
    optim::refuse("MoreauEnvelope", "period", "at least 1", static_cast<double>(period));
  }
}

void MoreauEnvelope::apply(const Optimizers& optimizers) {
  c10::NoGradGuard no_grad;
  const std::vector<at::Tensor> params = parameters(optimizers);
  if (centers_.empty()) {
    for (const auto& param : params) centers_.push_back(param.detach().clone());
  }
  if (centers_.size() != params.size()) {
    throw std::invalid_argument("MoreauEnvelope: it has " + std::to_string(centers_.size()) +
                                " centers, but there are " + std::to_string(params.size()) +
                                " variables; the state is of another problem");
  }
  for (size_t i = 0; i < params.size(); ++i) {
    const at::Tensor& gradient = params[i].grad();
    if (centers_[i].sizes() != params[i].sizes()) {
      throw std::invalid_argument("MoreauEnvelope: a variable of shape " +
                                  c10::str(params[i].sizes()) + " has a center of shape " +
                                  c10::str(centers_[i].sizes()) +
                                  "; the state is of another problem");
    }
    if (gradient.defined() && gradient.layout() != at::kStrided) {
      throw std::invalid_argument("MoreauEnvelope: a variable of shape " +
                                  c10::str(params[i].sizes()) +
                                  " has a sparse gradient, to which no dense term can be added");
    }
  }
  const bool moves = ++count_ == period_;
  if (moves) count_ = 0;
  for (size_t i = 0; i < params.size(); ++i) {
    const at::Tensor& param = params[i];
    if (!param.grad().defined()) continue;
    at::Tensor& center = centers_[i];
    if (center.device() != param.device() || center.scalar_type() != param.scalar_type()) {
      center = center.to(param.options());
    }
    param.mutable_grad().add_(param, mu_).add_(center, -mu_);
    if (moves) center.add_(center, -beta_).add_(param, beta_);
  }
}

void MoreauEnvelope::restore(const std::vector<at::Tensor>& centers, int64_t count) {
  if (count < 0 || count >= period_) {
    optim::refuse("MoreauEnvelope", "count", "at least 0 and below its period",
                  static_cast<double>(count));
  }
  std::vector<at::Tensor> copies;
  for (const auto& center : centers) {
    if (!center.defined() || !center.is_floating_point() || center.layout() != at::kStrided) {
      throw std::invalid_argument("MoreauEnvelope: centers must be dense floating point tensors");
    }
    copies.push_back(center.detach().clone());
  }
  centers_ = std::move(copies);
  count_ = count;
}

Node MoreauEnvelope::state_dict(Document& document) const {
  const Node state = document.dict();
  const Node list = document.list();
  for (const auto& center : centers_) document.append(list, add_tensor(document, center));
  document.put(state, "centers", list);
  document.put(state, "count", document.integer(count_));
  return state;
}

void MoreauEnvelope::load_state_dict(Document& document, Node state) {
  const Node list = document.is_dict(state) ? document.find(state, "centers") : kNoNode;
  const Node count = document.is_dict(state) ? document.find(state, "count") : kNoNode;
  if (list == kNoNode || document.kind(list) != Kind::kList || count == kNoNode ||
      document.kind(count) != Kind::kInt) {
    throw std::invalid_argument("MoreauEnvelope: expected {\"centers\": [...], \"count\": int}");
  }
  std::vector<at::Tensor> centers;
  for (size_t i = 0; i < document.size(list); ++i) {
    centers.push_back(to_tensor(document, document.item(list, i)));
  }
  restore(centers, document.as_int(count));
}

}  // namespace cooper4j
