#include "cooper4j/optim/adam.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "cooper4j/optim/step.h"
#include "optim/arguments.h"
#include "optim/optimizers/merged.h"

namespace cooper4j {
namespace {

using torch::optim::OptimizerParamGroup;

template <typename Options>
void check_moments(const char* name, const Options& options) {
  optim::check_not_negative(name, "lr", options.lr());
  optim::check_not_negative(name, "eps", options.eps());
  optim::check_beta(name, "beta1", std::get<0>(options.betas()));
  optim::check_beta(name, "beta2", std::get<1>(options.betas()));
}

void check(const AdamaxOptions& options) {
  check_moments("Adamax", options);
  optim::check_not_negative("Adamax", "weight_decay", options.weight_decay());
}

void check(const SparseAdamOptions& options) { check_moments("SparseAdam", options); }

template <typename Options>
void check_all(std::vector<OptimizerParamGroup>& groups,
               const std::vector<OptimizerParamGroup>& given, const Options& defaults) {
  optim::keep_options(groups, given);
  check(defaults);
  for (const auto& group : groups) check(static_cast<const Options&>(group.options()));
}

}  // namespace

AdamaxOptions::AdamaxOptions(double lr) : lr_(lr) {}

SparseAdamOptions::SparseAdamOptions(double lr) : lr_(lr) {}

Adamax::Adamax(const std::vector<OptimizerParamGroup>& param_groups, const AdamaxOptions& defaults)
    : Optimizer(param_groups, std::make_unique<AdamaxOptions>(defaults)) {
  check_all(param_groups_, param_groups, defaults);
}

Adamax::Adamax(std::vector<at::Tensor> params, const AdamaxOptions& defaults)
    : Adamax({OptimizerParamGroup(std::move(params))}, defaults) {}

at::Tensor Adamax::step(LossClosure closure) {
  at::NoGradGuard no_grad;
  at::Tensor loss = optim::evaluate(closure);
  check_step(*this);
  for (const auto& group : param_groups_) {
    const auto& options = static_cast<const AdamaxOptions&>(group.options());
    const auto [beta1, beta2] = options.betas();
    for (const auto& param : group.params()) {
      if (!param.grad().defined()) continue;
      auto& slot = state_[param.unsafeGetTensorImpl()];
      if (!slot) {
        auto fresh = std::make_unique<AdamaxParamState>();
        fresh->exp_avg(at::zeros_like(param));
        fresh->exp_inf(at::zeros_like(param));
        slot = std::move(fresh);
      }
      auto& state = static_cast<AdamaxParamState&>(*slot);
      state.step(state.step() + 1);
      const at::Tensor gradient = options.weight_decay() == 0
                                      ? param.grad()
                                      : param.grad().add(param, options.weight_decay());
      state.exp_avg().lerp_(gradient, 1 - beta1);
      at::maximum_out(state.exp_inf(), state.exp_inf().mul_(beta2),
                      gradient.abs().add_(options.eps()));
      const double correction = 1 - std::pow(beta1, static_cast<double>(state.step()));
      param.addcdiv_(state.exp_avg(), state.exp_inf(), -options.lr() / correction);
    }
  }
  return loss;
}

SparseAdam::SparseAdam(const std::vector<OptimizerParamGroup>& param_groups,
                       const SparseAdamOptions& defaults)
    : Optimizer(param_groups, std::make_unique<SparseAdamOptions>(defaults)) {
  check_all(param_groups_, param_groups, defaults);
}

SparseAdam::SparseAdam(std::vector<at::Tensor> params, const SparseAdamOptions& defaults)
    : SparseAdam({OptimizerParamGroup(std::move(params))}, defaults) {}

at::Tensor SparseAdam::step(LossClosure closure) {
  at::NoGradGuard no_grad;
  at::Tensor loss = optim::evaluate(closure);
  check_step(*this);
  for (const auto& group : param_groups_) {
    const auto& options = static_cast<const SparseAdamOptions&>(group.options());
    const auto [beta1, beta2] = options.betas();
    for (const auto& param : group.params()) {
      if (!param.grad().defined()) continue;
      auto& slot = state_[param.unsafeGetTensorImpl()];
      if (!slot) {
        auto fresh = std::make_unique<SparseAdamParamState>();
        fresh->exp_avg(at::zeros_like(param));
        fresh->exp_avg_sq(at::zeros_like(param));
        slot = std::move(fresh);
      }
      auto& state = static_cast<SparseAdamParamState&>(*slot);
      state.step(state.step() + 1);
      if (param.grad()._values().numel() == 0) continue;
      // The update is not linear in the gradient: a row's gradients are summed first.
      const optim::MergedRows merged(param.grad());
      const at::Tensor& rows = merged.rows;
      const at::Tensor average = state.exp_avg().index_select(0, rows);
      const at::Tensor square = state.exp_avg_sq().index_select(0, rows);
      average.add_(merged.values.sub(average).mul_(1 - beta1));
      square.add_(merged.values.pow(2).sub_(square).mul_(1 - beta2));
      state.exp_avg().index_copy_(0, rows, average);
      state.exp_avg_sq().index_copy_(0, rows, square);
      const auto steps = static_cast<double>(state.step());
      const double rate =
          options.lr() * std::sqrt(1 - std::pow(beta2, steps)) / (1 - std::pow(beta1, steps));
      const at::Tensor update = average.div(square.sqrt().add_(options.eps())).mul_(-rate);
      param.index_copy_(0, rows, param.index_select(0, rows).add_(update));
    }
  }
  return loss;
}

}  // namespace cooper4j
