#include "distributed/sums.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/ScopeExit.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

#include "lagrangian/backward.h"

namespace cooper4j::distributed {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Those that live, by number.
struct Living {
  std::mutex mutex;
  int64_t last = 0;
  std::map<int64_t, Sums*> all;
};

/// Never destroyed: a group may end after main().
Living& living() {
  static auto* instance = new Living;
  return *instance;
}

Sums& with_number(int64_t number) {
  Living& l = living();
  const std::lock_guard<std::mutex> lock(l.mutex);
  const auto found = l.all.find(number);
  if (found == l.all.end()) throw std::runtime_error("the process group of a sum is gone");
  return *found->second;
}

class Sum : public torch::autograd::Function<Sum> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& tensor, int64_t sums) {
    context->saved_data["sums"] = sums;
    return with_number(sums).reduce(tensor.detach(), "the sum").first;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    Sums& sums = with_number(context->saved_data["sums"].toInt());
    return {sums.reduce(gradients[0], "the gradient of the sum").first, at::Tensor()};
  }
};

/// An evaluation's.
class Summand : public torch::autograd::Function<Summand> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& /*own*/,
                            const at::Tensor& sum, int64_t sums) {
    context->saved_data["sums"] = sums;
    return sum.clone();
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const Sums& sums = with_number(context->saved_data["sums"].toInt());
    return {sums.passed(gradients[0]), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

Sums::Sums(Group& group) : group_(group) {
  Living& l = living();
  const std::lock_guard<std::mutex> lock(l.mutex);
  number_ = ++l.last;
  l.all[number_] = this;
}

Sums::~Sums() {
  Living& l = living();
  const std::lock_guard<std::mutex> lock(l.mutex);
  l.all.erase(number_);
}

std::pair<at::Tensor, bool> Sums::reduce(const at::Tensor& tensor, const char* what) {
  const bool differentiable = tensor.requires_grad() && c10::GradMode::is_enabled();
  const c10::NoGradGuard no_grad;
  const int64_t n = tensor.numel();
  at::Tensor values = at::empty({n + 1}, at::TensorOptions(at::kDouble).device(tensor.device()));
  values.narrow(0, 0, n).copy_(tensor.detach().reshape({-1}));
  values.select(0, n).fill_(differentiable ? 1 : 0);
  at::Tensor sums =
      group_.sum(what + (" of " + c10::str(tensor.scalar_type(), tensor.sizes())), values);
  const bool any = sums[n].item<double>() > 0;
  return {sums.narrow(0, 0, n)
              .view(tensor.sizes())
              .to(tensor.device(), tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true),
          any};
}

at::Tensor Sums::sum(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    throw std::invalid_argument("the tensor to sum is undefined; give one that has values");
  }
  if (tensor.layout() != at::kStrided || !at::isFloatingType(tensor.scalar_type())) {
    throw std::invalid_argument("the tensor to sum is " +
                                c10::str(tensor.scalar_type(), tensor.sizes()) +
                                "; expected a dense one of a floating point dtype");
  }
  const auto lock = group_.use();
  if (!group_.connected()) return tensor;
  if (!open_) return Sum::apply(tensor, number_);
  auto [sum, differentiable] = reduce(tensor, "the sum");
  if (differentiable) {
    if (tensor.requires_grad()) {
      sum = Summand::apply(tensor, sum, number_);
    } else {
      sum.set_requires_grad(true);
    }
    records_.push_back({tensor, sum});
  }
  return sum;
}

at::Tensor Sums::passed(const at::Tensor& gradient) const {
  return adds_up_ ? at::Tensor() : gradient * group_.size();
}

void Sums::start() {
  records_.clear();
  open_ = true;
}

void Sums::backward(std::vector<at::Tensor> roots, std::vector<at::Tensor> gradients) {
  adds_up_ = true;
  const auto passed_on = c10::make_scope_exit([this] { adds_up_ = false; });
  // Later sums may have been made of earlier ones. Nothing but the way to the sum is gone here, and
  // it is kept: the variables are reached in one pass at the end.
  while (!records_.empty()) {
    const Record last = std::move(records_.back());
    records_.pop_back();
    at::Tensor own;
    if (!roots.empty()) {
      own = torch::autograd::grad(roots, {last.sum}, gradients, /*retain_graph=*/true,
                                  /*create_graph=*/false, /*allow_unused=*/true)[0];
    }
    if (!own.defined()) own = at::zeros_like(last.sum);
    const at::Tensor gradient = reduce(own, "the gradient of the sum").first;
    if (!last.own.requires_grad()) continue;
    roots.push_back(last.own);
    gradients.push_back(gradient);
  }
  cooper4j::backward(roots, std::move(gradients));
}

}  // namespace cooper4j::distributed
