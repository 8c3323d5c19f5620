// Training over several processes, which LibTorch's c10d connects.
//
//   cooper4j::ProcessGroup group = cooper4j::ProcessGroup::from_environment();  // torchrun's
//   cooper4j::SimultaneousOptimizer optimizer(problem, primal, dual);
//   optimizer.distribute(group);
//   optimizer.roll([&] { return problem.compute_cmp_state(rows_of(group.rank())); });
//
// Every process evaluates the problem over samples of its own. Loss and violations without features
// are means over samples: those of all are their means, weighted with CMPState::samples. Violations
// with features are of a sample each: those of all are joined. Everything that uses them, weights,
// multipliers, penalty coefficients, sees the values of all, and the gradients are summed: a roll
// is the one that a single process would make over all samples. A ratio of sums over samples is
// made of sum()s.
//
// Ownership: a group outlives the optimizers that are distributed over it. It closes when it goes.
// Threads:   one thread at a time, the same calls in the same order in all processes.
// Errors:    std::invalid_argument for a wrong argument. std::runtime_error that names the rank if
//            another process failed, ended, hangs or does something else, or has other variables,
//            at the latest after the group's timeout; the group has ended then. Who fails should
//            say so with fail(), or close the group (or let it go), so that the others do not wait.
//            On other systems than Linux only groups of one process can be made.
// Security:  the store and the connections are neither encrypted nor authenticated: use them in
//            private networks.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cooper4j/export.h"

namespace c10d {
class Backend;
class Store;
}  // namespace c10d

namespace cooper4j {

namespace distributed {
class Group;
class Sums;
}  // namespace distributed

/// How processes find each other.
struct COOPER4J_EXPORT GlooOptions {
  std::string address;  ///< of the process with the store, a name or a number
  int port = 29500;     ///< of the store; 0 lets rank 0 choose, see `listening`
  int rank = 0;
  int size = 1;
  /// Of every wait, of the first for the others as well.
  std::chrono::milliseconds timeout = std::chrono::minutes(30);
  bool hosts_store = true;  ///< whether rank 0 opens the store, or somebody else has
  std::string prefix;       ///< apart from other groups in the same store
  /// Rank 0 calls it with the store's port before it waits for the others.
  std::function<void(int port)> listening;
};

class COOPER4J_EXPORT ProcessGroup {
 public:
  /// This process alone.
  ProcessGroup();
  /// CPU tensors over TCP, from the address by which the store is reached, or over the interface
  /// that GLOO_SOCKET_IFNAME names.
  explicit ProcessGroup(const GlooOptions& options);
  /// A backend that was made elsewhere, such as NCCL's, and the store for what ranks tell each
  /// other about errors, or none.
  explicit ProcessGroup(c10::intrusive_ptr<c10d::Backend> backend,
                        c10::intrusive_ptr<c10d::Store> store = {},
                        std::chrono::milliseconds timeout = std::chrono::minutes(30));
  /// By RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun sets them; this process alone
  /// without any.
  static ProcessGroup from_environment(
      std::chrono::milliseconds timeout = std::chrono::minutes(30));

  ProcessGroup(ProcessGroup&&) noexcept;
  ProcessGroup& operator=(ProcessGroup&&) noexcept;
  ~ProcessGroup();

  int rank() const;
  int size() const;

  /// Σ over all processes, of a floating point tensor whose shape is the same everywhere; a program
  /// takes the quotient of such sums, say, as if it had all samples. Differentiable: the gradient
  /// is that of the sum of what the processes differentiate. A pass that an evaluation makes over
  /// its graph by itself finds that of this process's own samples, times the number of processes.
  at::Tensor sum(const at::Tensor& tensor);
  /// Concatenated along dimension 0 in the order of ranks; the lengths may differ. Not
  /// differentiable.
  at::Tensor all_gather(const at::Tensor& rows);
  /// In place, from one process to all, of the same shapes and dtypes.
  void broadcast(const std::vector<at::Tensor>& tensors, int root = 0);
  /// Waits for all processes; throws after `timeout`, or the group's.
  void barrier(std::chrono::milliseconds timeout = {});
  /// Whether rolls of optimizers that are distributed from now on see to it that all processes
  /// still have the same variables, multipliers, penalty coefficients and learning rates, and throw
  /// what differs; they do unless set. Variables are compared by their bits, a part a roll if they
  /// are many: where processes' steps may round differently, as on other kinds of processors, it is
  /// set to false, in all of them.
  void compare(bool whether);
  bool compares() const { return compares_; }
  /// This process cannot go on: ends the group, and the others' calls throw that reason. A roll
  /// that throws does it by itself.
  void fail(const std::string& reason);
  /// Ends it; calls after this throw.
  void close();

  /// What the optimizers use.
  distributed::Group& group() { return *group_; }
  distributed::Sums& sums() { return *sums_; }

  /// Of a group that is made already.
  explicit ProcessGroup(std::unique_ptr<distributed::Group> group);

 private:
  std::unique_ptr<distributed::Group> group_;
  std::unique_ptr<distributed::Sums> sums_;
  bool compares_ = true;
};

}  // namespace cooper4j
