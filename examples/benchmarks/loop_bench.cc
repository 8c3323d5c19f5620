// The same problems as a straightforward loop over LibTorch: prints microseconds a step. With a
// third argument, `graph`, only the user's own share of it, which no library can save: loss,
// violations and the engine's backward pass from them.

#include <torch/torch.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace {

using torch::Tensor;
using torch::optim::SGD;
using torch::optim::SGDOptions;

bool graph_only = false;

void backward(std::vector<Tensor> roots) {
  std::vector<Tensor> ones;
  for (const Tensor& root : roots) ones.push_back(torch::ones_like(root));
  torch::autograd::backward(roots, ones);
}

/// Ascends in the multipliers and projects them.
void dual_step(SGD& dual, const std::vector<Tensor>& multipliers,
               const std::vector<Tensor>& violations) {
  torch::NoGradGuard no_grad;
  for (size_t k = 0; k < multipliers.size(); ++k)
    multipliers[k].mutable_grad() = -violations[k].detach().reshape_as(multipliers[k]);
  dual.step();
  for (const Tensor& multiplier : multipliers) multiplier.clamp_min_(0);
}

std::function<void()> mnist() {
  auto model = std::make_shared<torch::nn::LinearImpl>(784, 10);
  const Tensor x = torch::randn({128, 784}), y = torch::randint(10, {128}, torch::kLong);
  const Tensor multiplier = torch::zeros({1}, torch::requires_grad());
  auto primal = std::make_shared<torch::optim::Adam>(model->parameters(),
                                                     torch::optim::AdamOptions(1e-3).amsgrad(true));
  auto dual = std::make_shared<SGD>(std::vector<Tensor>{multiplier}, SGDOptions(1e-3));
  return [=] {
    primal->zero_grad();
    const Tensor logits = model->forward(x);
    const Tensor loss = torch::nn::functional::cross_entropy(logits, y);
    const Tensor accuracy = (logits.argmax(1) == y).to(torch::kFloat).mean();
    const Tensor violation = model->weight.pow(2).sum() + model->bias.pow(2).sum() - 1;
    if (graph_only) return backward({loss, violation});
    (loss + (multiplier.detach() * violation).sum()).backward();
    primal->step();
    dual_step(*dual, {multiplier}, {violation});
    loss.item<float>(), accuracy.item<float>(), violation.item<float>(), multiplier.item<float>();
  };
}

std::function<void()> groups(int64_t n, bool augmented) {
  const Tensor x = torch::randn({n}, torch::requires_grad());
  std::vector<Tensor> multipliers, penalties;
  for (int64_t k = 0; k < n; ++k) {
    multipliers.push_back(torch::zeros({1}, torch::requires_grad()));
    penalties.push_back(torch::ones({1}));
  }
  auto primal = std::make_shared<SGD>(std::vector<Tensor>{x}, SGDOptions(1e-3));
  auto dual = std::make_shared<SGD>(multipliers, SGDOptions(1e-3));
  return [=] {
    primal->zero_grad();
    Tensor lagrangian = x.pow(2).sum();
    std::vector<Tensor> violations;
    for (int64_t k = 0; k < n; ++k) {
      const Tensor violation = 1 - x[k];
      violations.push_back(violation);
      if (graph_only) continue;
      if (augmented) {
        const Tensor& c = penalties[k];
        const Tensor shifted = torch::relu(multipliers[k].detach() + c * violation);
        lagrangian =
            lagrangian + ((shifted.pow(2) - multipliers[k].detach().pow(2)) / (2 * c)).sum();
      } else {
        lagrangian = lagrangian + (multipliers[k].detach() * violation).sum();
      }
    }
    if (graph_only) {
      violations.push_back(lagrangian);
      return backward(violations);
    }
    lagrangian.backward();
    primal->step();
    dual_step(*dual, multipliers, violations);
    if (!augmented) return;
    torch::NoGradGuard no_grad;
    for (int64_t k = 0; k < n; ++k)
      penalties[k].copy_(torch::where(violations[k] > 1e-4, penalties[k] * 1.0001, penalties[k]));
  };
}

std::function<void()> dense(int64_t n) {
  const Tensor x = torch::randn({n}, torch::requires_grad());
  const Tensor multiplier = torch::zeros({n}, torch::requires_grad());
  auto primal = std::make_shared<SGD>(std::vector<Tensor>{x}, SGDOptions(1e-3));
  auto dual = std::make_shared<SGD>(std::vector<Tensor>{multiplier}, SGDOptions(1e-3));
  return [=] {
    primal->zero_grad();
    const Tensor violation = 1 - x;
    if (graph_only) return backward({x.pow(2).sum(), violation});
    (x.pow(2).sum() + (multiplier.detach() * violation).sum()).backward();
    primal->step();
    dual_step(*dual, {multiplier}, {violation});
  };
}

std::function<void()> indexed(int64_t n) {
  const Tensor x = torch::randn({256}, torch::requires_grad());
  const Tensor table = torch::zeros({n});
  const Tensor indices = torch::randint(n, {256}, torch::kLong);
  auto primal = std::make_shared<SGD>(std::vector<Tensor>{x}, SGDOptions(1e-3));
  return [=] {
    primal->zero_grad();
    const Tensor violation = 1 - x;
    if (graph_only) return backward({x.pow(2).sum(), violation});
    (x.pow(2).sum() + (table.index_select(0, indices) * violation).sum()).backward();
    primal->step();
    torch::NoGradGuard no_grad;
    table.index_add_(0, indices, violation, 1e-3);
    table.index_copy_(0, indices, table.index_select(0, indices).relu_());
  };
}

std::function<void()> make(const std::string& name) {
  const size_t colon = name.find(':');
  const std::string kind = name.substr(0, colon);
  const int64_t n = colon == std::string::npos ? 0 : std::stoll(name.substr(colon + 1));
  if (kind == "mnist") return mnist();
  if (kind == "groups") return groups(n, false);
  if (kind == "augmented") return groups(n, true);
  if (kind == "dense") return dense(n);
  return indexed(n);
}

}  // namespace

int main(int argc, char** argv) {
  using Clock = std::chrono::steady_clock;
  torch::set_num_threads(1);
  torch::manual_seed(0);
  graph_only = argc > 3;
  const double seconds = std::stod(argv[2]);
  const auto elapsed = [](Clock::time_point since) {
    return std::chrono::duration<double>(Clock::now() - since).count();
  };
  const auto step = make(argv[1]);
  for (const auto start = Clock::now(); elapsed(start) < seconds / 2;) step();
  int64_t steps = 0;
  const auto start = Clock::now();
  for (; elapsed(start) < seconds; ++steps) step();
  std::cout << elapsed(start) / static_cast<double>(steps) * 1e6 << "\n";
}
