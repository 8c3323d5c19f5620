// A group of processes: c10d's collectives, made so that they neither hang for ever nor end the
// process.
//
// Gloo ends the process where ranks give tensors of different sizes, and waits where they call
// different things. So every call begins with one sum of a small buffer whose size is always the
// same: it carries a checksum of what the rank is about to do, from which all see at once that they
// do not do the same, and what there is to sum, if it fits.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "distributed/news.h"

namespace cooper4j::distributed {

class Group {
 public:
  using Connect = std::function<c10::intrusive_ptr<c10d::Backend>()>;

  /// One process.
  Group() = default;
  /// A backend that is connected. `store` may be null: then errors cannot name ranks.
  Group(c10::intrusive_ptr<c10d::Backend> backend, const c10::intrusive_ptr<c10d::Store>& store,
        std::chrono::milliseconds timeout);
  /// One that `connect` connects, in a thread of its own so that interrupts are seen meanwhile.
  Group(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
        std::chrono::milliseconds timeout, const Connect& connect);
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// Whether there is a backend: also one of a single process does its work.
  bool connected() const { return connected_; }
  std::chrono::milliseconds timeout() const { return timeout_; }
  /// Keeps other threads from calling it, while what is given lives. Throws if it has ended, and
  /// std::logic_error if another thread is in a call: their values would get mixed.
  [[nodiscard]] std::unique_lock<std::recursive_mutex> use();

  /// What ranks that do not say the same are told: what is wrong, and what to do.
  struct Apart {
    const char* trouble;
    const char* todo;
  };
  static constexpr Apart kOtherCalls{
      "the ranks do not do the same",
      "all must make the same calls, with tensors of the same shapes and dtypes"};

  /// Σ over ranks of float64 [n], all of which do `what`; on the CPU. Throws on all of them if they
  /// do not. What follows a form feed is told in errors, but may differ.
  at::Tensor sum(const std::string& what, const at::Tensor& values,
                 const Apart& apart = kOtherCalls);
  /// Sums a tensor in place that has the same size on all ranks by an earlier check.
  void all_reduce(at::Tensor& tensor);
  /// Concatenates along dimension 0, in the order of ranks; counts[i][r] are the rows that rank r
  /// has of rows[i].
  std::vector<at::Tensor> gather(const std::vector<at::Tensor>& rows,
                                 const std::vector<std::vector<int64_t>>& counts);
  /// Dense tensors of any dtypes, in place.
  void broadcast(const std::vector<at::Tensor>& tensors, int root);
  void barrier(std::chrono::milliseconds timeout);

  /// All ranks have seen that they do not say the same, a line a thing: ends the group, and throws
  /// what differs first and what to do.
  [[noreturn]] void end_apart(const Apart& apart, const std::string& mine);
  /// This rank cannot go on: lets the others know, and closes. As close(), it may be called by any
  /// thread: one that is in a call meanwhile leaves it with that reason.
  void fail(const std::string& reason);
  void close();

  /// Where collectives' tensors lie.
  const at::Device& device() const { return device_; }

 private:
  void connect(c10::intrusive_ptr<c10d::Backend> backend);
  std::unique_lock<std::recursive_mutex> end_calls(const std::string& reason);
  std::string wanted() const;
  std::string reason_to_stop(std::chrono::steady_clock::time_point start,
                             std::chrono::milliseconds timeout, int* slices_since_closed);
  std::string in_call() const;
  std::string told(const News::Item& news) const;
  void wait(const c10::intrusive_ptr<c10d::Work>& work);
  [[noreturn]] void end(const std::string& reason);
  void release(c10::intrusive_ptr<c10d::Work> pending);

  c10::intrusive_ptr<c10d::Backend> backend_;
  std::unique_ptr<News> news_;
  bool connected_ = false;
  int rank_ = 0;
  int size_ = 1;
  std::chrono::milliseconds timeout_{};
  at::Device device_ = at::kCPU;
  at::Tensor channel_;
  int64_t calls_ = 0;
  std::string call_;   // the last of them
  std::string ended_;  // why, once it has
  std::recursive_mutex in_use_;
  mutable std::mutex wanted_mutex_;
  std::string wanted_;  // why a thread, perhaps none that is in a call, ends it
};

}  // namespace cooper4j::distributed
