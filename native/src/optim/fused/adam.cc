#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>

#include <typeinfo>

#include "optim/fused/fused.h"

namespace cooper4j::optim {
namespace {

using torch::optim::Optimizer;

/// Parameters that one kernel call can take together: it reads their steps from tensors, and one
/// tensor serves them all.
struct AdamBatch {
  at::ScalarType dtype;
  at::Device device;
  int64_t step;
  std::vector<at::Tensor> params;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> exp_avgs;
  std::vector<at::Tensor> exp_avg_sqs;
  std::vector<at::Tensor> max_exp_avg_sqs;
};

AdamBatch& batch_for(std::vector<AdamBatch>& batches, const at::Tensor& param, int64_t step) {
  for (auto& batch : batches) {
    if (batch.dtype == param.scalar_type() && batch.device == param.device() &&
        batch.step == step) {
      return batch;
    }
  }
  return batches.emplace_back(
      AdamBatch{param.scalar_type(), param.device(), step, {}, {}, {}, {}, {}});
}

/// Adam and AdamW have the same options and states under different types.
template <typename Options, typename State, typename Kernel>
class Fused {
 public:
  Fused(Optimizer& optimizer, Kernel kernel) : optimizer_(optimizer), kernel_(kernel) {}

  bool step() {
    if (!qualifies()) return false;
    std::vector<AdamBatch> batches;
    for (const auto& group : optimizer_.param_groups()) {
      const auto& options = static_cast<const Options&>(group.options());
      batches.clear();
      for (const auto& param : group.params()) {
        if (param.grad().defined()) add(param, options, batches);
      }
      for (auto& batch : batches) run(batch, options);
    }
    return true;
  }

 private:
  bool qualifies() const {
    for (const auto& group : optimizer_.param_groups()) {
      const bool amsgrad = static_cast<const Options&>(group.options()).amsgrad();
      for (const auto& param : group.params()) {
        if (!param.grad().defined()) continue;
        const auto entry = optimizer_.state().find(param.unsafeGetTensorImpl());
        const auto* state = entry != optimizer_.state().end()
                                ? static_cast<const State*>(entry->second.get())
                                : nullptr;
        if (state != nullptr) check_same_device(state->exp_avg(), param);
        if (!is_fusable(param)) return false;
        if (state == nullptr) continue;
        if (!fits(state->exp_avg(), param) || !fits(state->exp_avg_sq(), param) ||
            (amsgrad && !fits(state->max_exp_avg_sq(), param))) {
          return false;
        }
      }
    }
    return true;
  }

  static bool fits(const at::Tensor& t, const at::Tensor& param) {
    return t.defined() && lies_like(t, param);
  }

  State& state_of(const at::Tensor& param, bool amsgrad) {
    auto& slot = optimizer_.state()[param.unsafeGetTensorImpl()];
    if (!slot) {
      auto state = std::make_unique<State>();
      state->exp_avg(at::zeros_like(param));
      state->exp_avg_sq(at::zeros_like(param));
      if (amsgrad) state->max_exp_avg_sq(at::zeros_like(param));
      slot = std::move(state);
    }
    return static_cast<State&>(*slot);
  }

  void add(const at::Tensor& param, const Options& options, std::vector<AdamBatch>& batches) {
    State& state = state_of(param, options.amsgrad());
    state.step(state.step() + 1);
    AdamBatch& batch = batch_for(batches, param, state.step());
    batch.params.push_back(param);
    batch.gradients.push_back(param.grad());
    batch.exp_avgs.push_back(state.exp_avg());
    batch.exp_avg_sqs.push_back(state.exp_avg_sq());
    if (options.amsgrad()) batch.max_exp_avg_sqs.push_back(state.max_exp_avg_sq());
  }

  void run(AdamBatch& batch, const Options& options) {
    const at::Tensor step =
        at::full({}, batch.step, at::TensorOptions(batch.device).dtype(at::kFloat));
    const std::vector<at::Tensor> steps(batch.params.size(), step);
    kernel_(batch.params, batch.gradients, batch.exp_avgs, batch.exp_avg_sqs, batch.max_exp_avg_sqs,
            steps, options.lr(), std::get<0>(options.betas()), std::get<1>(options.betas()),
            options.weight_decay(), options.eps(), options.amsgrad(), /*maximize=*/false,
            std::nullopt, std::nullopt);
    for (const auto* written :
         {&batch.params, &batch.exp_avgs, &batch.exp_avg_sqs, &batch.max_exp_avg_sqs}) {
      bump_versions(*written);
    }
  }

  Optimizer& optimizer_;
  Kernel kernel_;
};

template <typename Options, typename State, typename Kernel>
bool fused_step(Optimizer& optimizer, Kernel kernel) {
  return Fused<Options, State, Kernel>(optimizer, kernel).step();
}

}  // namespace

bool fused_adam(Optimizer& optimizer) {
  using namespace torch::optim;
  // The kernels have overloads for a learning rate in a tensor.
  if (typeid(optimizer) == typeid(Adam)) {
    return fused_step<AdamOptions, AdamParamState>(
        optimizer, [](auto&&... arguments) { at::_fused_adam_(arguments...); });
  }
  if (typeid(optimizer) == typeid(AdamW)) {
    return fused_step<AdamWOptions, AdamWParamState>(
        optimizer, [](auto&&... arguments) { at::_fused_adamw_(arguments...); });
  }
  return false;
}

}  // namespace cooper4j::optim
