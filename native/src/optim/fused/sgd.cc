#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>
#include <torch/optim/sgd.h>

#include <typeinfo>

#include "data_of.h"
#include "optim/direct.h"
#include "optim/fused/fused.h"
#include "optim/rows.h"

namespace cooper4j::optim {
namespace {

using torch::optim::Optimizer;
using torch::optim::SGDOptions;
using torch::optim::SGDParamState;

/// Parameters that one kernel call can take together.
struct SgdBatch {
  at::ScalarType dtype;
  at::Device device;
  bool first;  // their momentum buffers are still to be filled
  std::vector<at::Tensor> params;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> buffers;
};

SgdBatch& batch_for(std::vector<SgdBatch>& batches, const at::Tensor& param, bool first) {
  for (auto& batch : batches) {
    if (batch.dtype == param.scalar_type() && batch.device == param.device() &&
        batch.first == first) {
      return batch;
    }
  }
  return batches.emplace_back(SgdBatch{param.scalar_type(), param.device(), first, {}, {}, {}});
}

bool qualifies(const Optimizer& optimizer) {
  for (const auto& group : optimizer.param_groups()) {
    const auto& options = static_cast<const SGDOptions&>(group.options());
    const bool has_momentum = options.momentum() != 0;
    for (const auto& param : group.params()) {
      if (!param.grad().defined()) continue;
      if (!has_momentum && options.weight_decay() == 0 && has_direct_rows(param)) continue;
      const auto entry = optimizer.state().find(param.unsafeGetTensorImpl());
      const bool has_buffer = has_momentum && entry != optimizer.state().end();
      const at::Tensor buffer =
          has_buffer ? static_cast<const SGDParamState&>(*entry->second).momentum_buffer()
                     : at::Tensor();
      check_same_device(buffer, param);
      if (!is_fusable(param)) return false;
      if (!has_buffer) continue;
      // LibTorch's own step() must say what is wrong with a state that has no buffer.
      if (!buffer.defined() || !lies_like(buffer, param)) return false;
    }
  }
  return true;
}

/// The momentum buffer, made where there was none, and whether that was so.
std::pair<at::Tensor, bool> momentum_buffer(Optimizer& optimizer, const at::Tensor& param) {
  auto& slot = optimizer.state()[param.unsafeGetTensorImpl()];
  if (slot) return {static_cast<SGDParamState&>(*slot).momentum_buffer(), false};
  auto state = std::make_unique<SGDParamState>();
  state->momentum_buffer(at::empty_like(param).detach());
  at::Tensor buffer = state->momentum_buffer();
  slot = std::move(state);
  return {buffer, true};
}

void direct_step(const at::Tensor& param, const at::Tensor& momentum, bool first,
                 const SGDOptions& options) {
  with_element_type(param, [&](auto zero) {
    using T = decltype(zero);
    const T* gradient = data_of<T>(param.grad());
    T* buffer = momentum.defined() ? written<T>(momentum) : nullptr;
    T* theta = written<T>(param);
    const T rate = static_cast<T>(options.lr());
    const T decay = static_cast<T>(options.weight_decay());
    const T keep = first ? T(0) : static_cast<T>(options.momentum());
    const T take = first ? T(1) : static_cast<T>(1 - options.dampening());
    const T ahead = static_cast<T>(options.momentum());
    for (int64_t i = 0, n = param.numel(); i < n; ++i) {
      T direction = decay != 0 ? gradient[i] + decay * theta[i] : gradient[i];
      if (buffer != nullptr) {
        buffer[i] = first ? direction : keep * buffer[i] + take * direction;
        direction = options.nesterov() ? direction + ahead * buffer[i] : buffer[i];
      }
      theta[i] -= rate * direction;
    }
  });
}

}  // namespace

bool fused_sgd(Optimizer& optimizer) {
  if (typeid(optimizer) != typeid(torch::optim::SGD) || !qualifies(optimizer)) return false;
  std::vector<SgdBatch> batches;
  for (const auto& group : optimizer.param_groups()) {
    const auto& options = static_cast<const SGDOptions&>(group.options());
    for (const auto& param : group.params()) {
      if (!param.grad().defined()) continue;
      if (param.grad().is_sparse()) {
        with_rows(param, [rate = options.lr()](auto& theta, auto gradient) {
          theta -= static_cast<decltype(gradient)>(rate) * gradient;
        });
        continue;
      }
      at::Tensor buffer;
      bool first = false;
      if (options.momentum() != 0) std::tie(buffer, first) = momentum_buffer(optimizer, param);
      // is_fusable: a contiguous parameter has a contiguous gradient and buffer.
      if (is_direct(param)) {
        direct_step(param, buffer, first, options);
        continue;
      }
      SgdBatch& batch = batch_for(batches, param, first);
      batch.params.push_back(param);
      batch.gradients.push_back(param.grad());
      if (buffer.defined()) batch.buffers.push_back(std::move(buffer));
    }
    for (auto& batch : batches) {
      at::_fused_sgd_(batch.params, batch.gradients, batch.buffers, options.weight_decay(),
                      options.momentum(), options.lr(), options.dampening(), options.nesterov(),
                      /*maximize=*/false, batch.first);
      bump_versions(batch.params);
      bump_versions(batch.buffers);
    }
    batches.clear();
  }
  return true;
}

}  // namespace cooper4j::optim
