#include "cooper4j/optim/nupi.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include "data_of.h"
#include "optim/arguments.h"
#include "optim/direct.h"
#include "optim/optimizers/merged.h"
#include "optim/optimizers/nupi_gains.h"

namespace cooper4j {
namespace {

using torch::optim::OptimizerParamGroup;

const NuPIOptions& options_of(const OptimizerParamGroup& group) {
  return static_cast<const NuPIOptions&>(group.options());
}

void warn_about(const NuPIOptions& options) {
  if (options.Kp().lt(0).any().item<bool>()) {
    TORCH_WARN("NuPI: Kp has a negative element");
  }
  if (options.Ki().lt(0).any().item<bool>()) {
    TORCH_WARN("NuPI: Ki has a negative element");
  }
  const NuPIGains& gains = options.gains();
  if (!gains.Kp.any && !gains.Ki.any) {
    TORCH_WARN("NuPI: all gains are zero, no step moves anything");
  }
  if (options.ema_nu() < 0) {
    TORCH_WARN("NuPI: ema_nu is negative: ", options.ema_nu());
  }
}

void direct_step(const at::Tensor& param, const at::Tensor& gradient, const at::Tensor& previous,
                 bool first, const NuPIOptions& options) {
  const NuPIGains& gains = options.gains();
  optim::with_element_type(param, [&](auto zero) {
    using T = decltype(zero);
    const bool zeros = options.init_type() == NuPIInitType::kZeros;
    const T nu = static_cast<T>(options.ema_nu());
    const T rest = static_cast<T>(1 - options.ema_nu());
    const T on_error = static_cast<T>(zeros ? gains.error.number : gains.Ki.number);
    const T on_previous = static_cast<T>(gains.previous.number);
    const T Kp = static_cast<T>(gains.Kp.number);
    const T decay = static_cast<T>(options.weight_decay());
    const T rate = static_cast<T>(-options.lr());
    const bool uses_error = zeros ? gains.error.any : gains.Ki.any;
    const T* error = data_of<T>(gradient);
    T* xi = previous.defined() ? optim::written<T>(previous) : nullptr;
    T* theta = optim::written<T>(param);
    for (int64_t i = 0, n = param.numel(); i < n; ++i) {
      T update = uses_error ? on_error * error[i] : T(0);
      if (xi != nullptr && zeros) update -= on_previous * xi[i];
      if (xi != nullptr && !zeros && !first) update += rest * (error[i] - xi[i]) * Kp;
      if (decay != 0) update += decay * theta[i];
      theta[i] += rate * update;
      if (xi != nullptr && (zeros || !first)) xi[i] = nu * xi[i] + rest * error[i];
    }
  });
}

void dense_step(const at::Tensor& param, NuPIParamState& state, const NuPIOptions& options) {
  const NuPIGains& gains = options.gains(param.device());
  const bool zeros = options.init_type() == NuPIInitType::kZeros;
  const bool uses_xi = gains.previous.any;
  const bool first = uses_xi && !state.xi().defined();
  if (first) state.xi(at::zeros_like(param));
  const at::Tensor& gradient = param.grad();
  const at::Tensor xi = uses_xi ? state.xi() : at::Tensor();

  if (gains.scalar() && optim::is_direct(param) &&
      optim::is_direct(gradient, param.scalar_type()) &&
      (!uses_xi || optim::is_direct(xi, param.scalar_type()))) {
    return direct_step(param, gradient, xi, first, options);
  }

  const double rest = 1 - options.ema_nu();
  const Gain& on_error = zeros ? gains.error : gains.Ki;
  at::Tensor update = on_error.any ? on_error.times(gradient) : at::zeros_like(param);
  if (uses_xi && zeros) {
    update = update.sub(gains.previous.times(xi));
  } else if (uses_xi && !first) {
    update = update.add(gains.Kp.times(gradient.sub(xi).mul_(rest)));
  }
  if (options.weight_decay() != 0) update = update.add(param, options.weight_decay());
  param.add_(update, -options.lr());
  if (uses_xi && (zeros || !first)) state.xi().mul_(options.ema_nu()).add_(gradient, rest);
}

void sparse_step(const at::Tensor& param, NuPIParamState& state, const NuPIOptions& options) {
  // The update is not linear in the gradient: a row's gradients are summed first.
  const optim::MergedRows merged(param.grad());
  const at::Tensor& rows = merged.rows;
  const at::Tensor& error = merged.values;
  if (error.numel() == 0) return;

  const NuPIGains& gains = options.gains(param.device());
  const bool zeros = options.init_type() == NuPIInitType::kZeros;
  const bool uses_xi = gains.previous.any;
  if (uses_xi && !state.xi().defined()) {
    state.xi(at::zeros_like(param));
    if (!zeros) {
      state.needs_error_initialization_mask(at::ones_like(param, param.options().dtype(at::kBool)));
    }
  }

  const double rest = 1 - options.ema_nu();
  const Gain& on_error = zeros ? gains.error : gains.Ki;
  at::Tensor update = on_error.any ? on_error.times_rows(error, rows) : at::zeros_like(error);
  if (uses_xi) {
    const at::Tensor xi = state.xi().index_select(0, rows);
    const at::Tensor& mask = state.needs_error_initialization_mask();
    if (zeros) {
      update = update.sub(gains.previous.times_rows(xi, rows));
    } else {
      at::Tensor change = error.sub(xi).mul_(rest);
      // Without a mask, dense gradients have initialised every row.
      if (mask.defined()) change.masked_fill_(mask.index_select(0, rows), 0);
      update = update.add(gains.Kp.times_rows(change, rows));
    }
    state.xi().index_copy_(0, rows, xi.mul(options.ema_nu()).add_(error, rest));
    if (!zeros && mask.defined()) mask.index_fill_(0, rows, false);
  }
  const at::Tensor before = param.index_select(0, rows);
  if (options.weight_decay() != 0) update = update.add(before, options.weight_decay());
  param.index_copy_(0, rows, before.add(update.to(param.scalar_type()), -options.lr()));
}

}  // namespace

NuPI::NuPI(const std::vector<OptimizerParamGroup>& param_groups, const NuPIOptions& defaults)
    : Optimizer(param_groups, std::make_unique<NuPIOptions>(defaults)) {
  optim::keep_options(param_groups_, param_groups);
  check_nupi(defaults, {});
  for (const auto& group : param_groups_) {
    check_nupi(options_of(group), group.params());
    warn_about(options_of(group));
  }
}

NuPI::NuPI(std::vector<at::Tensor> params, const NuPIOptions& defaults)
    : NuPI({OptimizerParamGroup(std::move(params))}, defaults) {}

void NuPI::check_gradients() const {
  for (const auto& group : param_groups_) {
    if (!options_of(group).gains().scalar()) check_gains(options_of(group), group.params());
    for (const auto& param : group.params()) {
      const at::Tensor& gradient = param.grad();
      if (!gradient.defined() || !gradient.is_sparse() || gradient.sparse_dim() == 1) continue;
      throw std::invalid_argument(
          "NuPI: expected a sparse gradient with one sparse dimension, the row, got " +
          std::to_string(gradient.sparse_dim()));
    }
  }
}

at::Tensor NuPI::step(LossClosure closure) {
  at::NoGradGuard no_grad;
  at::Tensor loss;
  if (closure != nullptr) {
    at::AutoGradMode enable_grad(true);
    loss = closure();
  }
  check_gradients();
  for (const auto& group : param_groups_) {
    const NuPIOptions& options = options_of(group);
    for (const auto& param : group.params()) {
      if (!param.grad().defined()) continue;
      auto& slot = state_[param.unsafeGetTensorImpl()];
      if (!slot) slot = std::make_unique<NuPIParamState>();
      auto& state = static_cast<NuPIParamState&>(*slot);
      if (param.grad().is_sparse()) {
        sparse_step(param, state, options);
      } else {
        dense_step(param, state, options);
      }
    }
  }
  return loss;
}

}  // namespace cooper4j
