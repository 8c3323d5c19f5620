// The backward pass of a step.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace cooper4j {

/// torch::autograd::backward(roots, gradients): the same gradients in the same leaves, and the
/// graph freed. `gradients` has the roots' shapes, dtypes and devices. Nothing without roots.
///
/// A graph that lies on the CPU and has no hooks needs none of the engine's queues, streams and
/// thread states, which cost more than the kernels of a small graph do: its nodes are run here, in
/// the engine's order. Every other graph goes to the engine.
void backward(const std::vector<at::Tensor>& roots, std::vector<at::Tensor> gradients);

/// Whether LibTorch may split a kernel's work to a gain, in the graphs of this thread's passes
/// since forget_graphs(): they have a convolution, a tensor of more elements than its grain size,
/// or went to the engine. Without them more threads change no number and cost their waking alone.
bool graphs_split();
void forget_graphs();

}  // namespace cooper4j
