// Takes back a step that turned out to be half of a failing whole.
//
// Ownership: shares the parameters, keeps copies of their values.
// Threads:   as the optimizer, one at a time.
#pragma once

#include <torch/optim/optimizer.h>

#include <vector>

#include "cooper4j/export.h"

namespace cooper4j {

/// The values that the optimizer's next step() will change: of parameters that have a gradient, and
/// of tables with a sparse one the rows that it names, if the optimizer moves no others. What the
/// optimizer remembers of its steps, such as momenta, is not part of it.
class COOPER4J_EXPORT Snapshot {
 public:
  explicit Snapshot(const torch::optim::Optimizer& optimizer);
  void restore() const;

 private:
  struct Saved {
    at::Tensor param;
    at::Tensor rows;  ///< undefined: all
    at::Tensor values;
  };
  std::vector<Saved> saved_;
};

}  // namespace cooper4j
