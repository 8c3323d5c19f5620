#include <ATen/Functions.h>

#include <cmath>

#include "cooper4j/optim/extragradient.h"
#include "optim/arguments.h"

namespace cooper4j {
namespace {

const ExtraAdamOptions& checked(const ExtraAdamOptions& options) {
  optim::check_not_negative("ExtraAdam", "lr", options.lr());
  optim::check_not_negative("ExtraAdam", "eps", options.eps());
  optim::check_beta("ExtraAdam", "betas[0]", std::get<0>(options.betas()));
  optim::check_beta("ExtraAdam", "betas[1]", std::get<1>(options.betas()));
  return options;
}

void check_adam_groups(const std::vector<torch::optim::OptimizerParamGroup>& groups) {
  for (const auto& group : groups) checked(static_cast<const ExtraAdamOptions&>(group.options()));
}

ExtraAdamParamState& initialised(std::unique_ptr<torch::optim::OptimizerParamState>& slot,
                                 const at::Tensor& param, bool amsgrad) {
  if (!slot) slot = std::make_unique<ExtraAdamParamState>();
  auto& state = static_cast<ExtraAdamParamState&>(*slot);
  if (!state.exp_avg().defined()) {
    state.exp_avg(at::zeros_like(param));
    state.exp_avg_sq(at::zeros_like(param));
  }
  if (amsgrad && !state.max_exp_avg_sq().defined()) state.max_exp_avg_sq(at::zeros_like(param));
  return state;
}

}  // namespace

ExtraAdamOptions::ExtraAdamOptions(double lr) : lr_(lr) {}

ExtraAdam::ExtraAdam(const std::vector<torch::optim::OptimizerParamGroup>& param_groups,
                     const ExtraAdamOptions& defaults)
    : ExtragradientOptimizer(param_groups, std::make_unique<ExtraAdamOptions>(checked(defaults))) {
  optim::keep_options(param_groups_, param_groups);
  check_adam_groups(param_groups_);
}

ExtraAdam::ExtraAdam(std::vector<at::Tensor> params, const ExtraAdamOptions& defaults)
    : ExtraAdam({torch::optim::OptimizerParamGroup(std::move(params))}, defaults) {}

void ExtraAdam::check_gradient(const at::Tensor& gradient,
                               const torch::optim::OptimizerOptions&) const {
  if (gradient.is_sparse()) {
    throw std::invalid_argument(
        "ExtraAdam: expected dense gradients, got a sparse one; use ExtraSGD or NuPI instead");
  }
}

void ExtraAdam::update(const at::Tensor& param, const at::Tensor& base,
                       const torch::optim::OptimizerOptions& group) {
  const auto& options = static_cast<const ExtraAdamOptions&>(group);
  auto& state = initialised(state_[param.unsafeGetTensorImpl()], param, options.amsgrad());
  const auto [beta1, beta2] = options.betas();
  const auto step = static_cast<double>(state.step() + 1);
  state.step(state.step() + 1);

  at::Tensor gradient = param.grad();
  if (options.weight_decay() != 0) gradient = gradient.add(param, options.weight_decay());
  state.exp_avg().mul_(beta1).add_(gradient, 1 - beta1);
  state.exp_avg_sq().mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
  if (options.amsgrad()) {
    at::max_out(state.max_exp_avg_sq(), state.max_exp_avg_sq(), state.exp_avg_sq());
  }
  const at::Tensor& second = options.amsgrad() ? state.max_exp_avg_sq() : state.exp_avg_sq();
  const double rate =
      options.lr() * std::sqrt(1 - std::pow(beta2, step)) / (1 - std::pow(beta1, step));
  at::Tensor out = param;
  at::addcdiv_out(out, base, state.exp_avg(), second.sqrt().add_(options.eps()), -rate);
}

}  // namespace cooper4j
