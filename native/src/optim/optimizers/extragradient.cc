#include "cooper4j/optim/extragradient.h"

#include <ATen/core/grad_mode.h>

#include "optim/arguments.h"

namespace cooper4j {

void ExtragradientOptimizer::check_gradients() const {
  for (const auto& group : param_groups_) {
    for (const auto& param : group.params()) {
      if (param.grad().defined()) check_gradient(param.grad(), group.options());
    }
  }
}

void ExtragradientOptimizer::extrapolation() {
  at::NoGradGuard no_grad;
  check_gradients();
  size_t index = 0;
  for (const auto& group : param_groups_) {
    for (const auto& param : group.params()) {
      if (index == saved_.size()) saved_.emplace_back();
      at::Tensor& saved = saved_[index++];
      if (!param.grad().defined()) continue;
      if (!saved.defined()) saved = param.clone();
      update(param, param, group.options());
    }
  }
  extrapolated_ = true;
}

void ExtragradientOptimizer::retract() {
  at::NoGradGuard no_grad;
  size_t index = 0;
  for (const auto& group : param_groups_) {
    for (const auto& param : group.params()) {
      if (index == saved_.size()) break;
      const at::Tensor& saved = saved_[index++];
      if (saved.defined()) param.copy_(saved);
    }
  }
  saved_.clear();
  extrapolated_ = false;
}

at::Tensor ExtragradientOptimizer::step(LossClosure closure) {
  if (!extrapolated_) {
    throw std::logic_error(
        "step() needs the parameters that extrapolation() remembers; call it first");
  }
  at::NoGradGuard no_grad;
  at::Tensor loss = optim::evaluate(closure);
  check_gradients();
  size_t index = 0;
  for (const auto& group : param_groups_) {
    for (const auto& param : group.params()) {
      // A group added since extrapolation() has nothing saved yet.
      const at::Tensor saved = index < saved_.size() ? saved_[index] : at::Tensor();
      ++index;
      if (!param.grad().defined()) continue;
      update(param, saved.defined() ? saved : param, group.options());
    }
  }
  saved_.clear();
  extrapolated_ = false;
  return loss;
}

}  // namespace cooper4j
