// The backward pass of a step.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace cooper4j {

/// torch::autograd::backward(roots, gradients): the same gradients in the same leaves, and the
/// graph freed. `gradients` has the roots' shapes, dtypes and devices.
///
/// A graph that lies on the CPU and has no hooks needs none of the engine's queues, streams and
/// thread states, which cost more than the kernels of a small graph do: its nodes are run here, in
/// the engine's order. Every other graph goes to the engine.
void backward(const std::vector<at::Tensor>& roots, std::vector<at::Tensor> gradients);

}  // namespace cooper4j
