// The values of an evaluation over all processes, of those that each has.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "distributed/agreement.h"
#include "distributed/group.h"

namespace cooper4j::distributed {

/// Every process gives the same entries. A mean over samples becomes the mean over all samples,
/// rows become those of all processes: the first ones, in the order of ranks, then the second ones,
/// and so on. That is the order of a batch whose rows were dealt in turn, as DataLoader does, and
/// so it is as in one process which row comes last of those with one index. What a Lagrangian is
/// made of afterwards ends, backward, in these values, which are leaves; gradients() then are those
/// of the process's own values, whose sums over processes are the gradients of the whole.
class Join {
 public:
  struct Entry {
    at::Tensor value;
    bool rows = false;
  };

  /// `weight` is the number of samples that the means of this process are over; with 0 they do not
  /// count, NaN or not. `what` says what is the same in all processes, a line a thing: entries, and
  /// what else. Without an agreement nobody looks whether the processes still have the same
  /// variables. Who `asks` wants all to stop, and lets the others know by this.
  Join(Group& group, std::vector<Entry> entries, double weight, const std::string& what,
       Agreement* agreement, bool asks = false);

  /// Of all processes; a leaf that requires grad if the entry does in any of them.
  const at::Tensor& value(size_t entry) const { return values_[entry]; }
  /// The samples of all.
  double weight() const { return weight_; }
  /// Whether any process asks; the same in all.
  bool asked() const { return asked_; }
  /// Of values that are NaN or infinite, whose they are; empty if they are nobody's.
  const std::string& not_finite() const { return not_finite_; }
  /// Of the process's own value; undefined if nothing is to be differentiated there.
  at::Tensor gradient(size_t entry) const;

 private:
  std::vector<Entry> own_;
  std::vector<at::Tensor> values_;
  std::vector<at::Tensor> places_;  // of its own rows among all
  double share_ = 0;
  double weight_ = 0;
  bool asked_ = false;
  std::string not_finite_;
};

/// Σ over processes of the parameters' gradients, in place. One that is undefined everywhere stays
/// so. All processes have the same parameters.
class GradientSums {
 public:
  /// A line about every parameter, for Join's `what`.
  static std::string describe(const std::vector<at::Tensor>& parameters);
  void sum(Group& group, const std::vector<at::Tensor>& parameters);

 private:
  std::vector<at::Tensor> buffers_;
};

}  // namespace cooper4j::distributed
