// Every fused kernel, and every plain loop in its place, against LibTorch's own step(): a kernel of
// LibTorch may be wrong for some dtype and size (pytorch#191763), and the next LibTorch's too.
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <functional>
#include <memory>
#include <sstream>

#include "check.h"
#include "cooper4j/optim/step.h"
#include "cooper4j/threads.h"

namespace {

using at::Tensor;
using torch::optim::Optimizer;
using Make = std::function<std::unique_ptr<Optimizer>(std::vector<Tensor>)>;
using Step = std::function<void(Optimizer&)>;

struct Named {
  std::string name;
  Make make;
};

template <typename T, typename Options, typename... Parts>
Named named(const Options& options, const Parts&... parts) {
  std::ostringstream name;
  ((name << parts << " "), ...);
  return {name.str(), [options](std::vector<Tensor> params) {
            return std::make_unique<T>(std::move(params), options);
          }};
}

std::vector<Named> sgds() {
  std::vector<Named> all;
  for (const double momentum : {0.0, 0.9}) {
    for (const double dampening : {0.0, 0.5}) {
      for (const double decay : {0.0, 0.1}) {
        for (const bool nesterov : {false, true}) {
          if (momentum == 0 ? dampening != 0 || nesterov : dampening != 0 && nesterov) continue;
          all.push_back(named<torch::optim::SGD>(torch::optim::SGDOptions(0.1)
                                                     .momentum(momentum)
                                                     .dampening(dampening)
                                                     .weight_decay(decay)
                                                     .nesterov(nesterov),
                                                 "SGD: momentum", momentum, "dampening", dampening,
                                                 "weight_decay", decay, "nesterov", nesterov));
        }
      }
    }
  }
  return all;
}

template <typename Adam, typename Options>
std::vector<Named> adams(const char* name) {
  std::vector<Named> all;
  for (const bool amsgrad : {false, true}) {
    for (const double decay : {0.0, 0.1}) {
      for (const double beta : {0.5, 0.9}) {
        for (const double eps : {1e-8, 1e-2}) {
          all.push_back(named<Adam>(Options(0.1)
                                        .amsgrad(amsgrad)
                                        .weight_decay(decay)
                                        .betas(std::make_tuple(beta, 1 - (1 - beta) / 10))
                                        .eps(eps),
                                    name, "amsgrad", amsgrad, "weight_decay", decay, "beta1", beta,
                                    "eps", eps));
        }
      }
    }
  }
  return all;
}

/// By type.
std::vector<std::vector<Named>> optimizers() {
  return {sgds(), adams<torch::optim::Adam, torch::optim::AdamOptions>("Adam:"),
          adams<torch::optim::AdamW, torch::optim::AdamWOptions>("AdamW:")};
}

/// The tensors of a parameter's state, and its number of steps as one of them.
std::vector<Tensor> state_of(const Optimizer& optimizer, const Tensor& param) {
  const auto entry = optimizer.state().find(param.unsafeGetTensorImpl());
  if (entry == optimizer.state().end()) return {};
  const auto adam = [](const auto& state) {
    std::vector<Tensor> tensors = {at::scalar_tensor(state.step(), at::kDouble), state.exp_avg(),
                                   state.exp_avg_sq()};
    if (state.max_exp_avg_sq().defined()) tensors.push_back(state.max_exp_avg_sq());
    return tensors;
  };
  const auto& state = *entry->second;
  if (const auto* s = dynamic_cast<const torch::optim::SGDParamState*>(&state)) {
    return {s->momentum_buffer()};
  }
  if (const auto* s = dynamic_cast<const torch::optim::AdamParamState*>(&state)) return adam(*s);
  return adam(static_cast<const torch::optim::AdamWParamState&>(state));
}

/// Equal to rounding: some operations more or less, each of which rounds once.
bool alike(const Tensor& expected, const Tensor& found) {
  if (expected.sizes() != found.sizes() || expected.scalar_type() != found.scalar_type()) {
    return false;
  }
  const double rounding = expected.scalar_type() == at::kDouble  ? 1e-15
                          : expected.scalar_type() == at::kFloat ? 5e-7
                                                                 : 0;  // a kernel rounds less often
  const Tensor near = (expected - found).abs().le(expected.abs().add(1).mul(rounding));
  // LibTorch's Adam makes NaN of float16: its eps of 1e-8 is 0 there.
  const Tensor same = expected.eq(found).logical_or(expected.isnan().logical_and(found.isnan()));
  return near.logical_or(same).all().item<bool>();
}

/// A parameter with as many elements, contiguous or (of an even number) transposed.
struct Shape {
  int64_t numel;
  bool transposed;

  Tensor values(at::ScalarType dtype) const {
    const Tensor flat = at::randn({numel}, at::kDouble).to(dtype);
    return transposed ? flat.view({2, numel / 2}).t() : flat;
  }
};

/// What tells `step` of `other` from LibTorch's own step() of `make` in a few steps over two
/// parameters, the second of which has no gradient in one of them; "" if nothing does.
std::string difference(const Make& make, const Make& other, at::ScalarType dtype,
                       const Shape& shape, const Step& step) {
  at::manual_seed(shape.numel);
  std::vector<Tensor> expected = {shape.values(dtype), shape.values(dtype)};
  std::vector<Tensor> found;
  for (Tensor& param : expected) {
    found.push_back(at::empty_strided(param.sizes(), param.strides(), param.options()));
    found.back().copy_(param).requires_grad_(true);
    param.requires_grad_(true);
  }
  const auto plain = make(expected);
  const auto fused = other(found);
  for (int i = 0; i < 4; ++i) {
    std::vector<std::vector<uint32_t>> before(2);
    for (size_t p = 0; p < 2; ++p) {
      const bool given = p == 0 || i != 1;
      const Tensor gradient = shape.values(dtype);
      expected[p].mutable_grad() = given ? gradient : Tensor();
      found[p].mutable_grad() = given ? gradient.clone() : Tensor();
      before[p].push_back(found[p]._version());
      for (const Tensor& t : state_of(*fused, found[p])) before[p].push_back(t._version());
    }
    plain->step();
    step(*fused);
    for (size_t p = 0; p < 2; ++p) {
      const std::string where =
          " of parameter " + std::to_string(p) + " after step " + std::to_string(i);
      if (!alike(expected[p], found[p])) return "the values" + where;
      const std::vector<Tensor> state = state_of(*plain, expected[p]);
      const std::vector<Tensor> own = state_of(*fused, found[p]);
      if (state.size() != own.size()) return "the tensors in the state" + where;
      for (size_t t = 0; t < state.size(); ++t) {
        if (!alike(state[t], own[t])) return "state " + std::to_string(t) + where;
      }
      if (!expected[p].grad().defined()) continue;
      if (found[p]._version() == before[p][0]) return "the version" + where;
      const bool adam = state.size() > 1;
      for (size_t t = adam ? 1 : 0; t < own.size() && t + 1 < before[p].size(); ++t) {
        if (own[t]._version() == before[p][t + 1]) {
          return "the version of state " + std::to_string(t) + where;
        }
      }
    }
  }
  return "";
}

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  // Below, at and above two vectors of every dtype and width of register, of a block, of the
  // elements that a plain loop takes, and of a thread's share.
  for (const int64_t numel :
       {0,  1,  2,  7,  8,   9,   15,  16,  17,  18,  31,  32,   33,   34,  48,
        63, 64, 65, 66, 127, 128, 129, 130, 511, 512, 513, 1024, 4095, 4100}) {
    all.push_back({numel, false});
    if (numel > 0 && numel % 2 == 0) all.push_back({numel, true});
  }
  return all;
}

void ours(Optimizer& optimizer) {
  static const bool once = (cooper4j::init_threads(), true);  // one, for tensors this small
  static_cast<void>(once);
  cooper4j::step(optimizer);
}

void equals_plain(at::ScalarType dtype) {
  for (const auto& type : optimizers()) {
    for (const Named& optimizer : type) {
      for (const Shape& shape : shapes()) {
        const auto text = difference(optimizer.make, optimizer.make, dtype, shape, ours);
        if (text.empty()) continue;
        const std::string seen = optimizer.name + "in " + c10::toString(dtype) + " of " +
                                 std::to_string(shape.numel) +
                                 (shape.transposed ? " transposed" : "") + " elements: " + text;
        CHECK_EQ("", seen);
        break;
      }
    }
  }
}

TEST(a_step_is_the_plain_one_in_float32) { equals_plain(at::kFloat); }
TEST(a_step_is_the_plain_one_in_float64) { equals_plain(at::kDouble); }
TEST(a_step_is_the_plain_one_in_float16) { equals_plain(at::kHalf); }
TEST(a_step_is_the_plain_one_in_bfloat16) { equals_plain(at::kBFloat16); }

TEST(a_step_of_many_elements_is_the_plain_one) {
  for (const auto& type : optimizers()) {
    for (const Named& optimizer : type) {
      CHECK_EQ("", difference(optimizer.make, optimizer.make, at::kFloat, {100003, false}, ours));
    }
  }
}

/// A right step, after which `spoil` changes the first parameter.
Step spoiled(const std::function<void(const Tensor& param, const Tensor& before)>& spoil) {
  return [spoil](Optimizer& optimizer) {
    at::NoGradGuard no_grad;
    const Tensor& param = optimizer.param_groups()[0].params()[0];
    const Tensor before = param.clone();
    ours(optimizer);
    spoil(param, before);
  };
}

TEST(a_wrong_kernel_is_seen) {
  const std::vector<Step> wrong = {
      [](Optimizer&) {},
      spoiled([](const Tensor& param, const Tensor& before) {
        const int64_t full = param.numel() / 16 * 16;  // what pytorch#191763 leaves out
        param.slice(0, 0, full).copy_(before.slice(0, 0, full));
      }),
      spoiled([](const Tensor& param, const Tensor& before) { param[-1].copy_(before[-1]); }),
      spoiled([](const Tensor& param, const Tensor&) {
        param.unsafeGetTensorImpl()->set_version_counter(c10::VariableVersion(0));
      }),
  };
  const Step inexact = spoiled([](const Tensor& param, const Tensor&) { param.mul_(1 + 1e-5); });
  for (const auto& type : optimizers()) {
    for (const Named& optimizer : type) {
      const auto seen = [&](at::ScalarType dtype, int64_t numel, const Step& step) {
        return !difference(optimizer.make, optimizer.make, dtype, {numel, false}, step).empty();
      };
      for (const auto dtype : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
        for (const int64_t numel : {16, 17, 40, 600}) {
          for (const Step& step : wrong) CHECK(seen(dtype, numel, step));
        }
      }
      CHECK(seen(at::kFloat, 40, inexact));
      CHECK(seen(at::kDouble, 40, inexact));
    }
  }
}

TEST(a_kernel_that_ignores_an_option_is_seen) {
  for (const auto& type : optimizers()) {
    for (const Named& a : type) {
      for (const Named& b : type) {
        if (a.name == b.name) continue;
        const Shape shape{40, false};
        CHECK(!difference(a.make, b.make, at::kFloat, shape, ours).empty());
      }
    }
  }
}

}  // namespace

CHECK_MAIN()
