// Sums over processes that gradients flow through.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

#include "distributed/group.h"

namespace cooper4j::distributed {

/// In an evaluation, backward() adds up what all processes find at a sum before it goes on. Thus a
/// process that does not use a sum, or has no samples, takes part in its gradient all the same.
/// Other passes over the evaluation's graph, which a process makes by itself to measure something,
/// take its own samples for those of all: the gradient of its own summand, times the processes.
/// Outside of evaluations autograd's own backward pass adds up the gradients.
class Sums {
 public:
  explicit Sums(Group& group);
  ~Sums();
  Sums(const Sums&) = delete;
  Sums& operator=(const Sums&) = delete;

  at::Tensor sum(const at::Tensor& tensor);

  /// Begins an evaluation; the one before is over.
  void start();
  /// The evaluation's function has returned: what is summed now belongs to none.
  void stop() { open_ = false; }
  /// The backward pass from the evaluation's results, through its sums, to the variables.
  void backward(std::vector<at::Tensor> roots, std::vector<at::Tensor> gradients);

  /// The sum's value, and whether any process differentiates it.
  std::pair<at::Tensor, bool> reduce(const at::Tensor& tensor, const char* what);
  /// Of an evaluation's sum, what a backward pass takes on to the own summand.
  at::Tensor passed(const at::Tensor& gradient) const;

 private:
  struct Record {
    at::Tensor own;
    at::Tensor sum;
  };

  Group& group_;
  int64_t number_;  // by which graphs, which may outlive this, know it
  std::vector<Record> records_;
  bool open_ = false;
  bool adds_up_ = false;  // in backward()
};

}  // namespace cooper4j::distributed
