// What of a Gloo group depends on the system: elsewhere than on Linux LibTorch's may lack Gloo.
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <utility>

#include "cooper4j/distributed.h"

namespace cooper4j::distributed {

/// The store, opened or reached, and its port. Does not wait for the other processes.
std::pair<c10::intrusive_ptr<c10d::Store>, int> open_store(const GlooOptions& options);

/// Connects with all others, over the network interfaces that GLOO_SOCKET_IFNAME names, else from
/// the address by which the store is reached. Blocks for at most the timeout.
c10::intrusive_ptr<c10d::Backend> connect_gloo(const c10::intrusive_ptr<c10d::Store>& store,
                                               const GlooOptions& options);

}  // namespace cooper4j::distributed
