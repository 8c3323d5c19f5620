// Steps through LibTorch's fused kernels, on the states that LibTorch's own step() keeps.
#pragma once

#include <torch/optim/optimizer.h>

namespace cooper4j::optim {

/// Each does nothing and returns false unless the optimizer is of its type and every parameter with
/// a gradient qualifies.
bool fused_sgd(torch::optim::Optimizer& optimizer);
bool fused_adam(torch::optim::Optimizer& optimizer);  // Adam and AdamW

/// Whether the fused kernels take the parameter with its gradient.
bool is_fusable(const at::Tensor& param);

/// Whether the kernels may walk the memory of `t` beside that of `param`.
bool lies_like(const at::Tensor& t, const at::Tensor& param);

/// Tells autograd that elements changed, which the kernels do not.
void bump_versions(at::TensorList tensors);

/// Throws std::invalid_argument when a parameter was moved after its state had been made.
void check_same_device(const at::Tensor& state, const at::Tensor& param);

}  // namespace cooper4j::optim
