// Gradients between backward and step: their norm, and clipping.
//
// Ownership: gradients change in place; a sparse one is coalesced first.
// Threads:   one thread at a time for the parameters.
// Errors:    std::invalid_argument before anything changed; c10::Error from LibTorch. Nothing waits
//            for a CUDA device, unless an error is asked for.
#pragma once

#include <torch/optim/optimizer.h>

#include <vector>

#include "cooper4j/export.h"

namespace cooper4j {

/// Of which parameters; those without a gradient are passed over.
using Optimizers = std::vector<torch::optim::Optimizer*>;

/// All of them, group by group.
COOPER4J_EXPORT std::vector<at::Tensor> parameters(const Optimizers& optimizers);

/// ‖(∇₁, ∇₂, …)‖, a scalar, as torch.nn.utils.get_total_norm; 0 without gradients. `norm_type` is
/// above 0; infinity is the largest absolute value.
COOPER4J_EXPORT at::Tensor grad_norm(const Optimizers& optimizers, double norm_type = 2);

/// torch.nn.utils.clip_grad_norm_: scales all gradients by min(1, max_norm / (norm + 1e-6)), and
/// returns the norm of before. `error_if_nonfinite` throws if that is NaN or infinite.
COOPER4J_EXPORT at::Tensor clip_grad_norm(const Optimizers& optimizers, double max_norm,
                                          double norm_type = 2, bool error_if_nonfinite = false);

/// torch.nn.utils.clip_grad_value_: clamps every element to [-clip_value, clip_value].
COOPER4J_EXPORT void clip_grad_value(const Optimizers& optimizers, double clip_value);

/// Multiplies all gradients, as unscaling does.
COOPER4J_EXPORT void scale_grad(const Optimizers& optimizers, double factor);

}  // namespace cooper4j
