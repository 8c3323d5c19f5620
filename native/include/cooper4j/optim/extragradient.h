// Optimizers with an extrapolation step, after cooper.optim.{ExtraSGD, ExtraAdam}.
//
//   θ_{t+½} = θ_t − u(∇L(θ_t))        extrapolation()
//   θ_{t+1} = θ_t − u(∇L(θ_{t+½}))    step()
//
// There is no `maximize`: the gradient of a dual parameter is already negated, so all descend.
// Ownership: an optimizer shares its parameters; it keeps a copy of them between the two calls.
// Threads:   one thread at a time.
// Errors:    std::invalid_argument for options and gradients that do not fit (nothing has changed),
//            std::logic_error for step() before extrapolation(), c10::Error from LibTorch.
#pragma once

#include <torch/optim/optimizer.h>

#include <tuple>
#include <vector>

#include "cooper4j/export.h"

namespace cooper4j {

class COOPER4J_EXPORT ExtragradientOptimizer : public torch::optim::Optimizer {
 public:
  /// Moves the parameters by one update; the first call since step() remembers where they were.
  void extrapolation();

  /// Goes back to the remembered parameters, as if extrapolation() had not been called; but what
  /// the optimizer keeps of gradients (momenta, moments) has seen its gradient. Else does nothing.
  void retract();

  /// Applies an update at the remembered parameters. A parameter whose gradient is gone since
  /// extrapolation() stays where that left it, as in Cooper.
  at::Tensor step(LossClosure closure = nullptr) override;

 protected:
  using torch::optim::Optimizer::Optimizer;

  /// Throws std::invalid_argument if this optimizer cannot use the gradient.
  virtual void check_gradient(const at::Tensor& gradient,
                              const torch::optim::OptimizerOptions& options) const = 0;

  /// Writes `base` + update into `param`, which has a gradient; `base` may be `param`.
  virtual void update(const at::Tensor& param, const at::Tensor& base,
                      const torch::optim::OptimizerOptions& options) = 0;

 private:
  void check_gradients() const;

  std::vector<at::Tensor> saved_;  // undefined: not moved by extrapolation()
  bool extrapolated_ = false;
};

struct COOPER4J_EXPORT ExtraSGDOptions
    : public torch::optim::OptimizerCloneableOptions<ExtraSGDOptions> {
  explicit ExtraSGDOptions(double lr = 1e-3);
  TORCH_ARG(double, lr);
  TORCH_ARG(double, momentum) = 0;
  TORCH_ARG(double, dampening) = 0;
  TORCH_ARG(double, weight_decay) = 0;
  TORCH_ARG(bool, nesterov) = false;

 public:
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
};

struct COOPER4J_EXPORT ExtraSGDParamState
    : public torch::optim::OptimizerCloneableParamState<ExtraSGDParamState> {
  TORCH_ARG(at::Tensor, momentum_buffer);
};

/// SGD with momentum and weight decay as torch.optim.SGD has them. Unlike Cooper's, it leaves the
/// gradient as it was: there, weight decay is added to `.grad` itself.
class COOPER4J_EXPORT ExtraSGD : public ExtragradientOptimizer {
 public:
  explicit ExtraSGD(const std::vector<torch::optim::OptimizerParamGroup>& param_groups,
                    const ExtraSGDOptions& defaults = ExtraSGDOptions());
  explicit ExtraSGD(std::vector<at::Tensor> params,
                    const ExtraSGDOptions& defaults = ExtraSGDOptions());

 protected:
  void check_gradient(const at::Tensor& gradient,
                      const torch::optim::OptimizerOptions& options) const override;
  void update(const at::Tensor& param, const at::Tensor& base,
              const torch::optim::OptimizerOptions& options) override;
};

struct COOPER4J_EXPORT ExtraAdamOptions
    : public torch::optim::OptimizerCloneableOptions<ExtraAdamOptions> {
  explicit ExtraAdamOptions(double lr = 1e-3);
  using betas_t = std::tuple<double, double>;
  TORCH_ARG(double, lr);
  TORCH_ARG(betas_t, betas) = std::make_tuple(0.9, 0.999);
  TORCH_ARG(double, eps) = 1e-8;
  TORCH_ARG(double, weight_decay) = 0;
  TORCH_ARG(bool, amsgrad) = false;

 public:
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
};

struct COOPER4J_EXPORT ExtraAdamParamState
    : public torch::optim::OptimizerCloneableParamState<ExtraAdamParamState> {
  TORCH_ARG(int64_t, step) = 0;
  TORCH_ARG(at::Tensor, exp_avg);
  TORCH_ARG(at::Tensor, exp_avg_sq);
  TORCH_ARG(at::Tensor, max_exp_avg_sq);
};

/// Adam whose moments advance at extrapolation() and at step() alike. Unlike torch.optim.Adam it
/// adds eps before the bias correction: −lr √(1−β₂ᵗ)/(1−β₁ᵗ) · m / (√v + eps).
class COOPER4J_EXPORT ExtraAdam : public ExtragradientOptimizer {
 public:
  explicit ExtraAdam(const std::vector<torch::optim::OptimizerParamGroup>& param_groups,
                     const ExtraAdamOptions& defaults = ExtraAdamOptions());
  explicit ExtraAdam(std::vector<at::Tensor> params,
                     const ExtraAdamOptions& defaults = ExtraAdamOptions());

 protected:
  void check_gradient(const at::Tensor& gradient,
                      const torch::optim::OptimizerOptions& options) const override;
  void update(const at::Tensor& param, const at::Tensor& base,
              const torch::optim::OptimizerOptions& options) override;
};

}  // namespace cooper4j
