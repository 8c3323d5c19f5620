#include "process_group.h"

#include <ATen/ATen.h>

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "distributed/agreement.h"
#include "distributed/join.h"
#include "distributed/rendezvous.h"
#include "distributed/sums.h"

namespace cooper4j::jni {
namespace {

template <class T>
c10::intrusive_ptr<T> shared(int64_t address) {
  if (address == 0) return {};
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return c10::intrusive_ptr<T>::unsafe_reclaim_from_nonowning(reinterpret_cast<T*>(address));
}

GlooOptions options(const char* address, int port, int rank, int size, int64_t timeout_ms) {
  GlooOptions options;
  options.address = address;
  options.port = port;
  options.rank = rank;
  options.size = size;
  options.timeout = std::chrono::milliseconds(timeout_ms);
  return options;
}

}  // namespace

Rendezvous::Rendezvous(const char* address, int port, int rank, int size, int64_t timeout_ms)
    : rendezvous_(std::make_unique<distributed::Rendezvous>(
          options(address, port, rank, size, timeout_ms))) {}

Rendezvous::~Rendezvous() = default;

int Rendezvous::port() const { return rendezvous_->port(); }

ProcessGroup::ProcessGroup(int64_t timeout_ms)
    : group_(cooper4j::ProcessGroup::from_environment(std::chrono::milliseconds(timeout_ms))) {}

ProcessGroup::ProcessGroup(const Rendezvous& rendezvous)
    : group_(rendezvous.rendezvous_->connect()) {}

ProcessGroup::ProcessGroup(int64_t backend, int64_t store, int64_t timeout_ms)
    : group_(shared<c10d::Backend>(backend), shared<c10d::Store>(store),
             std::chrono::milliseconds(timeout_ms)) {}

ProcessGroup::~ProcessGroup() = default;

bool ProcessGroup::connected() { return group_.group().connected(); }

void ProcessGroup::broadcast(const int64_t* tensors, int count, int root) {
  group_.broadcast(tensors_at(tensors, count), root);
}

void ProcessGroup::agree(const char* text) {
  if (connected()) group_.group().sum(text, at::empty({0}, at::kDouble));
}

void ProcessGroup::compare(const char* text) {
  if (!connected()) return;
  group_.group().sum(text, at::empty({0}, at::kDouble), distributed::Agreement::kApart);
}

void ProcessGroup::fail(const char* reason) { group_.group().fail(reason); }

void ProcessGroup::start_sums() { group_.sums().start(); }

void ProcessGroup::stop_sums() { group_.sums().stop(); }

void ProcessGroup::backward(const int64_t* roots, const int64_t* gradients, int count) {
  group_.sums().backward(tensors_at(roots, count), tensors_at(gradients, count));
}

Agreement::Agreement() = default;

Agreement::~Agreement() = default;

void Agreement::add(const char* name, const at::Tensor& tensor) {
  named_.emplace_back(name, tensor);
}

std::string Agreement::text_of(const at::Tensor& tensor) { return distributed::text_of(tensor); }

Join::Join(ProcessGroup& group, const Optimizers& optimizers, Agreement* agreement,
           const int64_t* tensors, const int* rows, int count, double weight, const char* what,
           bool asks) {
  if (agreement != nullptr && !agreement->agreement_) {
    agreement->agreement_ = std::make_unique<distributed::Agreement>(
        optimizers.side(true), optimizers.side(false), std::move(agreement->named_));
  }
  std::vector<distributed::Join::Entry> entries;
  const std::vector<at::Tensor> values = tensors_at(tensors, count);
  for (int i = 0; i < count; ++i) entries.push_back({values[i], rows[i] != 0});
  join_ = std::make_unique<distributed::Join>(
      group.group_.group(), std::move(entries), weight,
      what + distributed::GradientSums::describe(optimizers.primal_parameters()),
      agreement != nullptr ? agreement->agreement_.get() : nullptr, asks);
}

Join::~Join() = default;

at::Tensor Join::value(int entry) const { return join_->value(entry); }

at::Tensor Join::gradient(int entry) const { return join_->gradient(entry); }

double Join::weight() const { return join_->weight(); }

bool Join::asked() const { return join_->asked(); }

const char* Join::not_finite() const { return join_->not_finite().c_str(); }

GradientSums::GradientSums() : sums_(std::make_unique<distributed::GradientSums>()) {}

GradientSums::~GradientSums() = default;

void GradientSums::sum(ProcessGroup& group, const Optimizers& optimizers) {
  sums_->sum(group.group_.group(), optimizers.primal_parameters());
}

}  // namespace cooper4j::jni
