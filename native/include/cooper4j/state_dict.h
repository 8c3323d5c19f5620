// State dicts of modules, in the layout of Python's torch.nn.Module.state_dict(). Those of
// optimizers are in optim/state_dict.h, those of problems are methods.
//
// Ownership: the nodes' tensors share memory with the module's; what is loaded is copied.
// Threads:   one thread at a time for a document and a module.
// Errors:    std::invalid_argument before anything changed, which names all keys that are missing
//            or not expected and the prefix that would make them fit, or begins with the key.
#pragma once

#include <torch/nn/module.h>

#include <string>

#include "cooper4j/document.h"
#include "cooper4j/export.h"

namespace cooper4j {

/// An OrderedDict of parameters and buffers by dotted name, in Python's order.
COOPER4J_EXPORT Node state_dict(Document& document, const torch::nn::Module& module);

/// An OrderedDict of the same values whose names lack `prefix` where they had it: the "module." of
/// DistributedDataParallel, the "_orig_mod." of torch.compile.
COOPER4J_EXPORT Node without_prefix(Document& document, Node state, const std::string& prefix);

/// Copies a state into the module, strictly: the same names and shapes, all of them or none; with
/// `dry`, only checks that. Values are converted to the dtype and device of their targets.
COOPER4J_EXPORT void load_state_dict(torch::nn::Module& module, Document& document, Node state,
                                     bool dry = false);

}  // namespace cooper4j
