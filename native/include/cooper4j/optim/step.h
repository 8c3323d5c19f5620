// One step of any LibTorch optimizer, as fast as LibTorch can make it, and learning rates.
//
// Threads: one thread at a time for an optimizer and its parameters.
// Errors:  std::invalid_argument for a wrong group or rate, c10::Error from LibTorch.
#pragma once

#include <torch/optim/optimizer.h>

#include "cooper4j/export.h"

namespace cooper4j {

/// The same step as optimizer.step(), to rounding, and with the same state afterwards. An SGD, Adam
/// or AdamW (not a subclass) whose parameters and gradients are dense float32 or float64 tensors on
/// the CPU or CUDA goes through one fused kernel a group; everything else through optimizer.step().
/// Returns whether a sparse gradient's rows are all that moved: not so with momentum, for example.
COOPER4J_EXPORT bool step(torch::optim::Optimizer& optimizer);

/// Throws std::invalid_argument if step() would refuse the gradients that are there: of a roll that
/// steps several optimizers none has moved by then.
COOPER4J_EXPORT void check_step(const torch::optim::Optimizer& optimizer);

/// Whether it is an Adam, AdamW, Adamax or RMSprop, which refuse sparse gradients half-way.
COOPER4J_EXPORT bool takes_no_sparse_gradient(const torch::optim::Optimizer& optimizer);

/// Whether, of a parameter with a sparse gradient, a step moves the rows alone that it names.
COOPER4J_EXPORT bool moves_gradient_rows_only(const torch::optim::Optimizer& optimizer);

/// Clamps multipliers of inequalities to at least 0 in place; NaN stays NaN, as torch.relu keeps
/// it.
COOPER4J_EXPORT void project_non_negative(at::TensorList weights);

/// How many elements the parameters of all groups have.
COOPER4J_EXPORT int64_t numel(const torch::optim::Optimizer& optimizer);

/// The learning rate of a group, and its change. A rate is finite; schedules end below 0 at times,
/// by rounding.
COOPER4J_EXPORT double lr(const torch::optim::Optimizer& optimizer, size_t group = 0);
COOPER4J_EXPORT void set_lr(torch::optim::Optimizer& optimizer, size_t group, double lr);

}  // namespace cooper4j
