#include <ATen/ATen.h>
#include <ATen/MemoryOverlap.h>

#include <stdexcept>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "cooper4j/distributed.h"
#include "data_of.h"
#include "distributed/group.h"
#include "distributed/rendezvous.h"
#include "distributed/sums.h"

namespace cooper4j {
namespace {

void check_dense(const at::Tensor& tensor, const char* what) {
  if (!tensor.defined() || tensor.layout() != at::kStrided) {
    throw std::invalid_argument(std::string(what) + " is undefined or sparse; give dense tensors");
  }
}

std::unique_ptr<distributed::Group> group_of(const GlooOptions& options) {
  return options.size == 1 && options.address.empty() ? std::make_unique<distributed::Group>()
                                                      : distributed::Rendezvous(options).connect();
}

}  // namespace

ProcessGroup::ProcessGroup(std::unique_ptr<distributed::Group> group)
    : group_(std::move(group)), sums_(std::make_unique<distributed::Sums>(*group_)) {}

ProcessGroup::ProcessGroup() : ProcessGroup(std::make_unique<distributed::Group>()) {}

ProcessGroup::ProcessGroup(const GlooOptions& options) : ProcessGroup(group_of(options)) {}

ProcessGroup::ProcessGroup(c10::intrusive_ptr<c10d::Backend> backend,
                           c10::intrusive_ptr<c10d::Store> store, std::chrono::milliseconds timeout)
    : ProcessGroup(std::make_unique<distributed::Group>(std::move(backend), store, timeout)) {}

ProcessGroup ProcessGroup::from_environment(std::chrono::milliseconds timeout) {
  return ProcessGroup(group_of(distributed::options_of_environment(timeout)));
}

ProcessGroup::ProcessGroup(ProcessGroup&&) noexcept = default;
ProcessGroup& ProcessGroup::operator=(ProcessGroup&&) noexcept = default;
ProcessGroup::~ProcessGroup() = default;

int ProcessGroup::rank() const { return group_->rank(); }
int ProcessGroup::size() const { return group_->size(); }
at::Tensor ProcessGroup::sum(const at::Tensor& tensor) { return sums_->sum(tensor); }
void ProcessGroup::compare(bool whether) { compares_ = whether; }
void ProcessGroup::fail(const std::string& reason) { group_->fail(reason); }
void ProcessGroup::close() { group_->close(); }

at::Tensor ProcessGroup::all_gather(const at::Tensor& rows) {
  check_dense(rows, "the tensor to gather");
  if (rows.dim() == 0) throw std::invalid_argument("a scalar has no rows; give at least [1]");
  const auto lock = group_->use();
  if (!group_->connected()) return rows.detach();
  at::Tensor slots = at::zeros({size()}, at::kDouble);
  slots[rank()] = rows.size(0);
  const at::Tensor counts =
      group_->sum("all_gather " + c10::str(rows.scalar_type(), rows.sizes().slice(1)), slots)
          .to(at::kLong);
  const auto* data = data_of<int64_t>(counts);
  return group_->gather({rows.detach()}, {{data, data + size()}})[0];
}

void ProcessGroup::broadcast(const std::vector<at::Tensor>& tensors, int root) {
  if (root < 0 || root >= size()) {
    throw std::invalid_argument("there is no rank " + std::to_string(root) + " to broadcast from");
  }
  std::string what = "broadcast from " + std::to_string(root);
  for (const auto& tensor : tensors) {
    check_dense(tensor, "a tensor to broadcast");
    if (at::has_internal_overlap(tensor) == at::MemOverlap::Yes) {
      throw std::invalid_argument("a tensor to broadcast, " +
                                  c10::str(tensor.scalar_type(), tensor.sizes()) +
                                  ", is expanded, so that it cannot be overwritten; give a clone");
    }
    what += "\n" + c10::str(tensor.scalar_type(), tensor.sizes());
  }
  const auto lock = group_->use();
  if (!group_->connected()) return;
  group_->sum(what, at::empty({0}, at::kDouble));
  group_->broadcast(tensors, root);
}

void ProcessGroup::barrier(std::chrono::milliseconds timeout) {
  const auto lock = group_->use();
  if (group_->connected()) group_->barrier(timeout.count() > 0 ? timeout : group_->timeout());
}

}  // namespace cooper4j
