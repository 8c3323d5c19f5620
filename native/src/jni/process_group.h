// cooper4j/distributed.h for Java.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bridge.h"
#include "cooper4j/distributed.h"

namespace cooper4j::distributed {
class Agreement;
class GradientSums;
class Join;
class Rendezvous;
}  // namespace cooper4j::distributed

namespace cooper4j::jni {

/// A store that is open, before the other processes are waited for.
class Rendezvous {
 public:
  Rendezvous(const char* address, int port, int rank, int size, int64_t timeout_ms);
  ~Rendezvous();
  int port() const;

 private:
  friend class ProcessGroup;
  std::unique_ptr<distributed::Rendezvous> rendezvous_;
};

class ProcessGroup {
 public:
  /// By the environment.
  explicit ProcessGroup(int64_t timeout_ms);
  explicit ProcessGroup(const Rendezvous& rendezvous);
  /// Addresses of c10d::Backend and c10d::Store; 0: no store.
  ProcessGroup(int64_t backend, int64_t store, int64_t timeout_ms);
  ~ProcessGroup();

  int rank() const { return group_.rank(); }
  int size() const { return group_.size(); }
  bool connected();
  at::Tensor sum(const at::Tensor& tensor) { return group_.sum(tensor); }
  at::Tensor all_gather(const at::Tensor& rows) { return group_.all_gather(rows); }
  void broadcast(const int64_t* tensors, int count, int root);
  void barrier(int64_t timeout_ms) { group_.barrier(std::chrono::milliseconds(timeout_ms)); }
  /// Throws on all ranks if they do not give the same text; of several lines it shows one. What
  /// follows a form feed may differ.
  void agree(const char* text);
  /// Throws what differs if they do not have the same, a line a thing.
  void compare(const char* text);
  void fail(const char* reason);
  void close() { group_.close(); }

  /// distributed/sums.h
  void start_sums();
  void stop_sums();
  void backward(const int64_t* roots, const int64_t* gradients, int count);

 private:
  friend class Join;
  friend class GradientSums;
  cooper4j::ProcessGroup group_;
};

/// distributed/agreement.h
class Agreement {
 public:
  Agreement();
  ~Agreement();
  /// What belongs to a constraint; before the first Join.
  void add(const char* name, const at::Tensor& tensor);
  static std::string text_of(const at::Tensor& tensor);

 private:
  friend class Join;
  std::vector<std::pair<std::string, at::Tensor>> named_;
  std::unique_ptr<distributed::Agreement> agreement_;
};

/// distributed/join.h
class Join {
 public:
  /// `rows` says of each of `count` entries at the addresses `tensors` whether it has rows, 1 or 0.
  Join(ProcessGroup& group, const Optimizers& optimizers, Agreement* agreement,
       const int64_t* tensors, const int* rows, int count, double weight, const char* what,
       bool asks);
  ~Join();
  at::Tensor value(int entry) const;
  /// Undefined if nothing is to be differentiated there.
  at::Tensor gradient(int entry) const;
  double weight() const;
  bool asked() const;
  const char* not_finite() const;

 private:
  std::unique_ptr<distributed::Join> join_;
};

/// The primal variables' gradients, over all processes.
class GradientSums {
 public:
  GradientSums();
  ~GradientSums();
  void sum(ProcessGroup& group, const Optimizers& optimizers);

 private:
  std::unique_ptr<distributed::GradientSums> sums_;
};

}  // namespace cooper4j::jni
