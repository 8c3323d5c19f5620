// Two of Adam's kin that LibTorch's C++ API lacks, after torch.optim.{Adamax, SparseAdam}.
//
// There is no `maximize`: the gradient of a dual parameter is already negated, so all descend.
// Ownership: an optimizer shares its parameters.
// Threads:   one thread at a time.
// Errors:    std::invalid_argument for options and gradients that do not fit; nothing has changed.
#pragma once

#include <torch/optim/optimizer.h>

#include <tuple>
#include <vector>

#include "cooper4j/export.h"

namespace cooper4j {

struct COOPER4J_EXPORT AdamaxOptions
    : public torch::optim::OptimizerCloneableOptions<AdamaxOptions> {
  explicit AdamaxOptions(double lr = 2e-3);
  using betas_t = std::tuple<double, double>;
  TORCH_ARG(double, lr);
  TORCH_ARG(betas_t, betas) = std::make_tuple(0.9, 0.999);
  TORCH_ARG(double, eps) = 1e-8;
  TORCH_ARG(double, weight_decay) = 0;

 public:
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
};

struct COOPER4J_EXPORT AdamaxParamState
    : public torch::optim::OptimizerCloneableParamState<AdamaxParamState> {
  TORCH_ARG(int64_t, step) = 0;
  TORCH_ARG(at::Tensor, exp_avg);
  TORCH_ARG(at::Tensor, exp_inf);
};

/// Kingma and Ba (2015), Algorithm 2: m ← β₁ m + (1 − β₁) g, u ← max(β₂ u, |g| + ε),
/// θ ← θ − η/(1 − β₁ᵗ) m/u; weight decay is added to the gradient. Dense gradients.
class COOPER4J_EXPORT Adamax : public torch::optim::Optimizer {
 public:
  explicit Adamax(const std::vector<torch::optim::OptimizerParamGroup>& param_groups,
                  const AdamaxOptions& defaults = AdamaxOptions());
  explicit Adamax(std::vector<at::Tensor> params, const AdamaxOptions& defaults = AdamaxOptions());

  at::Tensor step(LossClosure closure = nullptr) override;
};

struct COOPER4J_EXPORT SparseAdamOptions
    : public torch::optim::OptimizerCloneableOptions<SparseAdamOptions> {
  explicit SparseAdamOptions(double lr = 1e-3);
  using betas_t = std::tuple<double, double>;
  TORCH_ARG(double, lr);
  TORCH_ARG(betas_t, betas) = std::make_tuple(0.9, 0.999);
  TORCH_ARG(double, eps) = 1e-8;

 public:
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
};

struct COOPER4J_EXPORT SparseAdamParamState
    : public torch::optim::OptimizerCloneableParamState<SparseAdamParamState> {
  TORCH_ARG(int64_t, step) = 0;
  TORCH_ARG(at::Tensor, exp_avg);
  TORCH_ARG(at::Tensor, exp_avg_sq);
};

/// Adam over the rows that a sparse gradient names (one sparse dimension); the others keep their
/// values and moments, while the step count, by which moments are corrected, is the parameter's.
/// Such a step costs what its rows cost, after the first, which allocates the moments.
class COOPER4J_EXPORT SparseAdam : public torch::optim::Optimizer {
 public:
  explicit SparseAdam(const std::vector<torch::optim::OptimizerParamGroup>& param_groups,
                      const SparseAdamOptions& defaults = SparseAdamOptions());
  explicit SparseAdam(std::vector<at::Tensor> params,
                      const SparseAdamOptions& defaults = SparseAdamOptions());

  at::Tensor step(LossClosure closure = nullptr) override;
};

}  // namespace cooper4j
