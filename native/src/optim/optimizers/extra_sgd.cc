#include <ATen/Functions.h>

#include "cooper4j/optim/extragradient.h"
#include "data_of.h"
#include "optim/arguments.h"
#include "optim/direct.h"

namespace cooper4j {
namespace {

const ExtraSGDOptions& checked(const ExtraSGDOptions& options) {
  optim::check_not_negative("ExtraSGD", "lr", options.lr());
  optim::check_not_negative("ExtraSGD", "momentum", options.momentum());
  optim::check_not_negative("ExtraSGD", "weight_decay", options.weight_decay());
  if (options.nesterov() && (options.momentum() == 0 || options.dampening() != 0)) {
    throw std::invalid_argument("ExtraSGD: nesterov needs a momentum above 0 and a dampening of 0");
  }
  return options;
}

at::Tensor& momentum_buffer(torch::optim::OptimizerParamState& state) {
  return static_cast<ExtraSGDParamState&>(state).momentum_buffer();
}

void check_sgd_groups(const std::vector<torch::optim::OptimizerParamGroup>& groups) {
  for (const auto& group : groups) checked(static_cast<const ExtraSGDOptions&>(group.options()));
}

void direct_update(const at::Tensor& param, const at::Tensor& base, const at::Tensor& gradient,
                   const ExtraSGDOptions& options) {
  optim::with_element_type(param, [&](auto zero) {
    using T = decltype(zero);
    const T* from = data_of<T>(base);
    const T* grad = data_of<T>(gradient);
    T* to = optim::written<T>(param);
    const T rate = static_cast<T>(-options.lr());
    const T decay = static_cast<T>(options.weight_decay());
    for (int64_t i = 0, n = param.numel(); i < n; ++i) {
      const T direction = decay != 0 ? grad[i] + decay * to[i] : grad[i];
      to[i] = from[i] + rate * direction;
    }
  });
}

}  // namespace

ExtraSGDOptions::ExtraSGDOptions(double lr) : lr_(lr) {}

ExtraSGD::ExtraSGD(const std::vector<torch::optim::OptimizerParamGroup>& param_groups,
                   const ExtraSGDOptions& defaults)
    : ExtragradientOptimizer(param_groups, std::make_unique<ExtraSGDOptions>(checked(defaults))) {
  optim::keep_options(param_groups_, param_groups);
  check_sgd_groups(param_groups_);
}

ExtraSGD::ExtraSGD(std::vector<at::Tensor> params, const ExtraSGDOptions& defaults)
    : ExtraSGD({torch::optim::OptimizerParamGroup(std::move(params))}, defaults) {}

void ExtraSGD::check_gradient(const at::Tensor& gradient,
                              const torch::optim::OptimizerOptions& options) const {
  if (gradient.is_sparse() && static_cast<const ExtraSGDOptions&>(options).weight_decay() != 0) {
    throw std::invalid_argument(
        "ExtraSGD: weight_decay would touch every row, but the gradient is sparse; set it to 0");
  }
}

void ExtraSGD::update(const at::Tensor& param, const at::Tensor& base,
                      const torch::optim::OptimizerOptions& group) {
  const auto& options = static_cast<const ExtraSGDOptions&>(group);
  at::Tensor direction = param.grad();
  if (options.momentum() == 0 && optim::is_direct(param) &&
      optim::is_direct(direction, param.scalar_type())) {
    return direct_update(param, base, direction, options);
  }
  if (options.weight_decay() != 0) direction = direction.add(param, options.weight_decay());
  if (options.momentum() != 0) {
    auto& state = state_[param.unsafeGetTensorImpl()];
    if (!state) state = std::make_unique<ExtraSGDParamState>();
    at::Tensor& buffer = momentum_buffer(*state);
    if (!buffer.defined()) {
      buffer = at::zeros_like(param).add_(direction);
    } else {
      buffer.mul_(options.momentum()).add_(direction, 1 - options.dampening());
    }
    direction = options.nesterov() ? buffer.mul(options.momentum()).add_(direction) : buffer;
  }
  if (base.is_same(param)) {
    param.add_(direction, -options.lr());
  } else if (direction.is_sparse()) {
    param.copy_(base).add_(direction, -options.lr());
  } else {
    at::Tensor out = param;
    at::add_out(out, base, direction, -options.lr());
  }
}

}  // namespace cooper4j
