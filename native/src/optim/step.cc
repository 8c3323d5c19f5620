#include "cooper4j/optim/step.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <typeinfo>

#include "cooper4j/optim/adam.h"
#include "cooper4j/optim/extragradient.h"
#include "cooper4j/optim/nupi.h"
#include "log.h"
#include "optim/direct.h"
#include "optim/fused/fused.h"

namespace cooper4j {

bool moves_gradient_rows_only(const torch::optim::Optimizer& optimizer) {
  const auto all = [&](auto is_rowwise) {
    const auto& groups = optimizer.param_groups();
    return std::all_of(groups.begin(), groups.end(),
                       [&](const auto& group) { return is_rowwise(group.options()); });
  };
  if (typeid(optimizer) == typeid(NuPI) || typeid(optimizer) == typeid(SparseAdam)) return true;
  if (typeid(optimizer) == typeid(torch::optim::SGD)) {
    return all([](const auto& options) {
      const auto& sgd = static_cast<const torch::optim::SGDOptions&>(options);
      return sgd.momentum() == 0 && sgd.weight_decay() == 0;
    });
  }
  if (typeid(optimizer) == typeid(ExtraSGD)) {
    return all([](const auto& options) {
      return static_cast<const ExtraSGDOptions&>(options).momentum() == 0;
    });
  }
  return false;
}

namespace {

void bump_versions(const torch::optim::Optimizer& optimizer) {
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& param : group.params()) {
      if (param.grad().defined()) optim::bump_version(param);
    }
  }
}

/// LBFGS evaluates through a closure, but the gradients of the one evaluation are here already.
void check_lbfgs(const torch::optim::Optimizer& optimizer) {
  for (const auto& group : optimizer.param_groups()) {
    const auto& options = static_cast<const torch::optim::LBFGSOptions&>(group.options());
    if (options.max_iter() == 1 && !options.line_search_fn()) continue;
    throw std::invalid_argument(
        "LBFGS: max_iter is " + std::to_string(options.max_iter()) +
        "; a roll evaluates the problem once, so set max_iter to 1 and no line search");
  }
}

}  // namespace

bool takes_no_sparse_gradient(const torch::optim::Optimizer& optimizer) {
  return typeid(optimizer) == typeid(torch::optim::Adam) ||
         typeid(optimizer) == typeid(torch::optim::AdamW) ||
         typeid(optimizer) == typeid(torch::optim::RMSprop) || typeid(optimizer) == typeid(Adamax);
}

namespace {

/// Weight decay is added to the gradient.
bool decays(const torch::optim::Optimizer& optimizer, const torch::optim::OptimizerOptions& group) {
  using namespace torch::optim;
  if (typeid(optimizer) == typeid(SGD)) {
    return static_cast<const SGDOptions&>(group).weight_decay() != 0;
  }
  return typeid(optimizer) == typeid(Adagrad) &&
         static_cast<const AdagradOptions&>(group).weight_decay() != 0;
}

}  // namespace

namespace {

void check_sparse_adam(const torch::optim::Optimizer& optimizer) {
  size_t index = 0;
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& param : group.params()) {
      const at::Tensor& gradient = param.grad();
      const bool rows = gradient.defined() && gradient.is_sparse() && gradient.sparse_dim() == 1;
      if (gradient.defined() && !rows) {
        throw std::invalid_argument("SparseAdam: parameter " + std::to_string(index) +
                                    ", of shape " + c10::str(param.sizes()) +
                                    ", has no sparse gradient of rows; use Adam for it");
      }
      ++index;
    }
  }
}

}  // namespace

void check_step(const torch::optim::Optimizer& optimizer) {
  if (typeid(optimizer) == typeid(torch::optim::LBFGS)) check_lbfgs(optimizer);
  if (typeid(optimizer) == typeid(SparseAdam)) return check_sparse_adam(optimizer);
  const bool never = takes_no_sparse_gradient(optimizer);
  for (const auto& group : optimizer.param_groups()) {
    if (!never && !decays(optimizer, group.options())) continue;
    for (const auto& param : group.params()) {
      if (!param.grad().defined() || !param.grad().is_sparse()) continue;
      throw std::invalid_argument("a parameter of shape " + c10::str(param.sizes()) +
                                  " has a sparse gradient, which its optimizer does not take; use "
                                  "SparseAdam, or SGD or Adagrad without weight decay for it");
    }
  }
}

namespace {

/// Why LibTorch's own step() is taken; nothing of the optimizers that have no other.
void log_unfused(const torch::optim::Optimizer& optimizer) {
  const bool is_sgd = typeid(optimizer) == typeid(torch::optim::SGD);
  const bool is_adam = typeid(optimizer) == typeid(torch::optim::Adam);
  if (!is_sgd && !is_adam && typeid(optimizer) != typeid(torch::optim::AdamW)) return;
  const std::string start = std::string(is_sgd    ? "SGD"
                                        : is_adam ? "Adam"
                                                  : "AdamW") +
                            " steps without a fused kernel: ";
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& param : group.params()) {
      if (!param.grad().defined() || optim::is_fusable(param)) continue;
      log_once(start + "a parameter of " + c10::toString(param.scalar_type()) + " on " +
               param.device().str() + " with a gradient of " +
               c10::toString(param.grad().scalar_type()) + ", layout " +
               c10::str(param.grad().layout()));
      return;
    }
  }
  log_once(start + "its state lies in memory otherwise than its parameters");
}

}  // namespace

bool step(torch::optim::Optimizer& optimizer) {
  at::NoGradGuard no_grad;
  if (typeid(optimizer) == typeid(torch::optim::LBFGS)) {
    check_lbfgs(optimizer);
    optimizer.step([] { return at::zeros({}); });
  } else if (!optim::fused_sgd(optimizer) && !optim::fused_adam(optimizer)) {
    if (is_logging()) log_unfused(optimizer);
    optimizer.step();
    // It writes through data(), unseen by autograd.
    if (typeid(optimizer) == typeid(torch::optim::SGD)) bump_versions(optimizer);
  }
  return moves_gradient_rows_only(optimizer);
}

int64_t numel(const torch::optim::Optimizer& optimizer) {
  int64_t sum = 0;
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& param : group.params()) sum += param.numel();
  }
  return sum;
}

void project_non_negative(at::TensorList weights) {
  at::NoGradGuard no_grad;
  for (const auto& weight : weights) {
    if (!optim::is_direct(weight)) {
      weight.clamp_min_(0);
      continue;
    }
    optim::with_element_type(weight, [&](auto zero) {
      auto* element = optim::written<decltype(zero)>(weight);
      for (int64_t i = 0, n = weight.numel(); i < n; ++i) {
        if (element[i] < zero) element[i] = zero;
      }
    });
  }
}

}  // namespace cooper4j
