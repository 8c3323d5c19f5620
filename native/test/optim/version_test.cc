// What changes a tensor tells autograd, as LibTorch's own operations do: a graph that saved the
// tensor before refuses its backward pass after.
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <functional>
#include <string>
#include <type_traits>

#include "check.h"
#include "cooper4j/optim/extragradient.h"
#include "cooper4j/optim/nupi.h"
#include "cooper4j/optim/step.h"
#include "cooper4j/penalty.h"
#include "cooper4j/project.h"

namespace {

using at::Tensor;

/// Whether a graph that saved the tensor notices what `change` does to it.
bool noticed(const Tensor& tensor, const std::function<void()>& change) {
  const Tensor factor = at::ones({}, tensor.options()).requires_grad_(true);
  const Tensor graph = (factor * tensor.detach()).sum();
  change();
  try {
    graph.backward();
  } catch (const c10::Error& e) {
    return std::string(e.what_without_backtrace()).find("modified by an inplace operation") !=
           std::string::npos;
  }
  return false;
}

/// Small enough for a plain loop, too large for one, and of a layout that no plain loop takes.
std::vector<Tensor> parameters(at::ScalarType dtype) {
  return {at::ones({4}, dtype), at::ones({1000}, dtype), at::ones({2, 4}, dtype).t()};
}

template <typename T, typename Options>
void tells(const Options& options) {
  for (const auto dtype : {at::kFloat, at::kDouble, at::kBFloat16}) {
    for (const Tensor& param : parameters(dtype)) {
      param.mutable_grad() = at::ones_like(param);
      T optimizer({param}, options);
      for (int i = 0; i < 3; ++i) {
        if constexpr (std::is_base_of_v<cooper4j::ExtragradientOptimizer, T>) {
          CHECK(noticed(param, [&] { optimizer.extrapolation(); }));
        }
        CHECK(noticed(param, [&] { cooper4j::step(optimizer); }));
      }
    }
  }
}

TEST(steps_tell_autograd) {
  using namespace torch::optim;
  tells<SGD>(SGDOptions(0.1));
  tells<SGD>(SGDOptions(0.1).momentum(0.9).weight_decay(0.1));
  tells<Adam>(AdamOptions(0.1));
  tells<AdamW>(AdamWOptions(0.1).amsgrad(true));
  tells<cooper4j::NuPI>(cooper4j::NuPIOptions(0.1));
  tells<cooper4j::NuPI>(cooper4j::NuPIOptions(0.1).Kp(0.5).ema_nu(0.9).weight_decay(0.1));
  tells<cooper4j::ExtraSGD>(cooper4j::ExtraSGDOptions(0.1));
  tells<cooper4j::ExtraSGD>(cooper4j::ExtraSGDOptions(0.1).momentum(0.9));
  tells<cooper4j::ExtraAdam>(cooper4j::ExtraAdamOptions(0.1));
}

Tensor column(int64_t rows, std::vector<int64_t> named, at::ScalarType dtype) {
  const Tensor table = at::ones({rows, 1}, dtype);
  const auto n = static_cast<int64_t>(named.size());
  table.mutable_grad() = at::_sparse_coo_tensor_unsafe(at::tensor(named, at::kLong).unsqueeze(0),
                                                       at::ones({n, 1}, dtype), {rows, 1});
  return table;
}

TEST(sparse_steps_and_projections_tell_autograd) {
  std::vector<int64_t> many(600);
  for (const auto dtype : {at::kFloat, at::kDouble, at::kBFloat16}) {
    for (const auto& rows : {std::vector<int64_t>{1, 3, 1}, std::vector<int64_t>{}, many}) {
      const Tensor table = column(1000, rows, dtype);
      torch::optim::SGD sgd({table}, torch::optim::SGDOptions(0.1));
      CHECK(noticed(table, [&] { cooper4j::step(sgd); }));
      CHECK(noticed(table, [&] { cooper4j::project_gradient_rows(table); }));
      if (rows.empty()) continue;
      cooper4j::NuPI nupi({table}, cooper4j::NuPIOptions(0.1).Kp(0.5));
      CHECK(noticed(table, [&] { cooper4j::step(nupi); }));
    }
    for (const Tensor& weight : parameters(dtype)) {
      CHECK(noticed(weight, [&] { cooper4j::project_non_negative(at::TensorList(weight)); }));
    }
  }
}

TEST(penalty_updates_tell_autograd) {
  cooper4j::PenaltyUpdate update;
  update.factor = 2;
  for (const auto dtype : {at::kFloat, at::kDouble, at::kBFloat16}) {
    for (const int64_t n : {4, 1000}) {
      const Tensor value = at::ones({n}, dtype);
      const Tensor violation = at::ones({n}, dtype);
      const Tensor rows = at::arange(n);
      for (const Tensor& indices : {Tensor(), rows}) {
        CHECK(noticed(value, [&] {
          cooper4j::update_penalty(value, value.clone(), violation, indices, update);
        }));
      }
    }
  }
}

/// A size of zero divides nothing.
TEST(tables_and_gradients_of_no_rows_are_stepped) {
  for (const auto& sizes : std::vector<std::vector<int64_t>>{{0, 1}, {0}, {0, 3}, {3, 0}, {5, 2}}) {
    const Tensor param = at::ones(sizes);
    auto values = sizes;
    values[0] = 0;
    param.mutable_grad() =
        at::_sparse_coo_tensor_unsafe(at::empty({1, 0}, at::kLong), at::empty(values), sizes);
    torch::optim::SGD sgd({param}, torch::optim::SGDOptions(0.1));
    cooper4j::NuPI nupi({param}, cooper4j::NuPIOptions(0.1).Kp(0.5));
    cooper4j::ExtraSGD ahead({param}, cooper4j::ExtraSGDOptions(0.1));
    cooper4j::step(sgd);
    cooper4j::step(nupi);
    ahead.extrapolation();
    cooper4j::step(ahead);
    cooper4j::project_gradient_rows(param);
    cooper4j::project_non_negative(at::TensorList(param));
    CHECK(param.equal(at::ones(sizes)));
  }
}

}  // namespace

CHECK_MAIN()
