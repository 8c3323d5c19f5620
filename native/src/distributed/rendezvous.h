// How the processes of a Gloo group find each other.
#pragma once

#include <memory>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "cooper4j/distributed.h"
#include "distributed/group.h"

namespace cooper4j::distributed {

/// Opens the store, or connects with it.
class Rendezvous {
 public:
  explicit Rendezvous(GlooOptions options);
  /// Of the store.
  int port() const { return options_.port; }
  /// Waits for the others.
  std::unique_ptr<Group> connect() const;

 private:
  GlooOptions options_;
  c10::intrusive_ptr<c10d::Store> store_;
};

/// torchrun's variables. A size of 1 without them.
GlooOptions options_of_environment(std::chrono::milliseconds timeout);

}  // namespace cooper4j::distributed
