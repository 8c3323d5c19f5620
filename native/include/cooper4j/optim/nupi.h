// The nuPI controller as an optimizer, after cooper.optim.nuPI (Sohrabi et al., ICML 2024,
// "On PI controllers for updating Lagrange multipliers in constrained optimization").
//
//   ξ_t = ν ξ_{t−1} + (1 − ν) e_t,    θ_{t+1} = θ_t − η (Ki e_t + Kp (ξ_t − ξ_{t−1}))
//
// With Kd it is the PID controller of Stooke, Achiam and Abbeel ("Responsive Safety in Reinforcement
// Learning by PID Lagrangian Methods", ICML 2020, Algorithm 2), as OmniSafe has it, in steps instead
// of sums: θ also moves by η Kd (∂_t − ∂_{t−1}) with ∂_t = max(0, ξ_{t−1} − ξ_t), the growth of the
// violation, since e is the negated one.
//
// There is no `maximize`: the gradient e_t of a dual parameter is already negated.
// Ownership: shares the parameters; copies the gains.
// Threads:   one thread at a time.
// Errors:    std::invalid_argument for options, gains or gradients that do not fit.
#pragma once

#include <torch/optim/optimizer.h>

#include <memory>
#include <optional>
#include <vector>

#include "cooper4j/export.h"

namespace cooper4j {

/// cooper.optim.nuPIInitType, with Python's values.
enum class NuPIInitType : int64_t {
  kZeros = 0,  ///< ξ₋₁ = 0: the first step is SGD's with rate η (Kp + Ki)
  kSGD = 1,    ///< the first step of each element is SGD's with rate η Ki
  kError = 2,  ///< the same, and ξ₀ = e₀: the second step follows the formula. Python gets kSGD
};

/// What a step needs of the gains and ν, worked out once: on CUDA `any()` would synchronise.
struct NuPIGains;

class COOPER4J_EXPORT NuPIOptions : public torch::optim::OptimizerCloneableOptions<NuPIOptions> {
 public:
  explicit NuPIOptions(double lr);

  TORCH_ARG(double, lr);
  TORCH_ARG(double, weight_decay) = 0;
  TORCH_ARG(NuPIInitType, init_type) = NuPIInitType::kSGD;
  /// The derivative gain, finite and >= 0.
  TORCH_ARG(double, Kd) = 0;
  /// Divides ξ_t by 1 − νⁿ, n the errors in it, as Adam does: a ξ that starts at 0 is short of the
  /// errors by that factor. kSGD and kError are then the same.
  TORCH_ARG(bool, use_bias_correction) = false;

 public:
  /// A gain has one element, or the shape of every parameter in its group. A number becomes a
  /// float32 tensor, as torch.tensor makes it, or a float64 one after double_gains().
  const at::Tensor& Kp() const { return Kp_; }
  const at::Tensor& Ki() const { return Ki_; }
  double ema_nu() const { return ema_nu_; }
  NuPIOptions& Kp(const at::Tensor& gain);
  NuPIOptions& Ki(const at::Tensor& gain);
  NuPIOptions& Kp(double gain);
  NuPIOptions& Ki(double gain);
  NuPIOptions& ema_nu(double nu);
  /// Lets gains that are numbers keep all their digits, those given before and after.
  NuPIOptions& double_gains();

  const NuPIGains& gains() const;
  /// The same, with gains that are tensors on the device of a parameter.
  const NuPIGains& gains(const at::Device& device) const;

  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }

 private:
  at::Tensor Kp_;
  at::Tensor Ki_;
  double ema_nu_ = 0;
  std::optional<double> Kp_number_ = 0.0;
  std::optional<double> Ki_number_ = 1.0;
  bool double_gains_ = false;
  mutable std::shared_ptr<const NuPIGains> gains_;
};

struct COOPER4J_EXPORT NuPIParamState
    : public torch::optim::OptimizerCloneableParamState<NuPIParamState> {
  TORCH_ARG(at::Tensor, xi);
  /// True where a sparse gradient has not been seen yet; only for kSGD.
  TORCH_ARG(at::Tensor, needs_error_initialization_mask);
  /// The weight of all errors in ξ, 1 − νⁿ; only with bias correction.
  TORCH_ARG(at::Tensor, xi_weight);
  /// ∂_t; only with a derivative gain.
  TORCH_ARG(at::Tensor, derivative);
};

/// Takes dense and sparse gradients (one sparse dimension); a sparse step costs O(nnz) after the
/// first, which allocates ξ. Weight decay touches the observed rows only. A dense kSGD run keeps
/// ξ₀ = 0, as Cooper's code does, not the ξ₀ = e₀ of its documentation: of a constant violation of 1
/// with Kp 10, Ki 1 multipliers become 1, 12, 13, 14, with kError 1, 2, 3, 4.
class COOPER4J_EXPORT NuPI : public torch::optim::Optimizer {
 public:
  NuPI(const std::vector<torch::optim::OptimizerParamGroup>& param_groups,
       const NuPIOptions& defaults);
  NuPI(std::vector<at::Tensor> params, const NuPIOptions& defaults);

  at::Tensor step(LossClosure closure = nullptr) override;

 private:
  void check_gradients() const;
};

}  // namespace cooper4j
