// State dicts in the layout of Python's torch.optim.Optimizer.state_dict() (torch 2.10):
//
//   {"state": {index: {…}}, "param_groups": [{"lr": …, …, "params": [index, …]}, …]}
//
// for SGD, Adam, AdamW, Adamax, SparseAdam, RMSprop, Adagrad, LBFGS, ExtraSGD, ExtraAdam and NuPI.
// `maximize` says whether the optimizer is a dual one. There is no such option here, since dual
// gradients are already negated, but Python's param_groups tell, and nuPI's xi changes its sign.
//
// Errors: std::invalid_argument that begins with the key path ("state.0.exp_avg: expected …").
#pragma once

#include <torch/optim/optimizer.h>

#include "cooper4j/document.h"
#include "cooper4j/export.h"

namespace cooper4j {

/// The state as a node of `document`, whose tensors share memory with the optimizer's (xi of a
/// maximizing NuPI and the step counts are copies).
COOPER4J_EXPORT Node state_dict(Document& document, const torch::optim::Optimizer& optimizer,
                                bool maximize);

/// Replaces the optimizer's options and states by copies of those in `state`, all of them or none;
/// with `dry`, only checks that they fit. Keys of a
/// group that LibTorch does not have stay with the optimizer, and state_dict() writes them again as
/// they came. Tensors move to the device and
/// floating-point type of their parameter, as torch.optim.Optimizer.load_state_dict moves them.
COOPER4J_EXPORT void load_state_dict(torch::optim::Optimizer& optimizer, Document& document,
                                     Node state, bool maximize, bool dry = false);

/// The rate that schedules start from: the group's `initial_lr`, as Python's schedulers keep it in
/// its param_group; the present rate, which is then kept, if there is none yet.
COOPER4J_EXPORT double initial_lr(torch::optim::Optimizer& optimizer, size_t group = 0);

}  // namespace cooper4j
