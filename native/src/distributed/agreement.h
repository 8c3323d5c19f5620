// Whether the ranks still have the same: what one of them alone changes, a variable or a rate,
// would let them train apart from then on.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "cooper4j/optim/gradients.h"
#include "distributed/checksum.h"
#include "distributed/group.h"

namespace cooper4j::distributed {

/// Its numbers where they are few, else a checksum.
std::string text_of(const at::Tensor& tensor);

/// Compares variables, what belongs to constraints, and learning rates, by checksums that travel
/// with a roll's values. What is large is looked at a part a roll, one after the other.
class Agreement {
 public:
  static constexpr int64_t kSlots = 3 * kAlikeSlots;
  static constexpr Group::Apart kApart{
      "the ranks no longer have the same variables, multipliers and rates",
      "after distribute() change such things in all ranks, by the same calls (docs/distributed.md "
      "says what else lets ranks train apart)"};

  /// A multiplier's parameter or a penalty coefficient, and whose it is.
  using Named = std::pair<std::string, at::Tensor>;

  Agreement(Optimizers primal, Optimizers dual, std::vector<Named> of_constraints);

  /// Of this rank and this roll: kSlots numbers, which are to be summed.
  void write(double* slots);
  /// Of all ranks' sums: ends the group, and throws what differs in which ranks, if any do.
  void check(Group& group, const double* sums) const;

 private:
  /// Bytes of tensors, some at a time.
  struct Part {
    size_t at = 0;
    uint64_t next(const std::vector<at::Tensor>& tensors);
  };

  std::vector<at::Tensor> of_constraints() const;
  std::string description() const;

  Optimizers primal_;
  Optimizers dual_;
  std::vector<Named> named_;
  std::array<Part, 2> parts_;
};

}  // namespace cooper4j::distributed
