#include "cooper4j/optim/step.h"

#include <torch/torch.h>

#include "check.h"

namespace {

using at::Tensor;

template <typename State>
State& state_of(torch::optim::Optimizer& optimizer, const Tensor& param) {
  return static_cast<State&>(*optimizer.state().at(param.unsafeGetTensorImpl()));
}

/// The meta device stands for the one that a parameter was moved from.
TEST(a_parameter_that_was_moved_after_its_state_was_made_is_named) {
  const Tensor elsewhere = at::zeros({2}, at::kMeta);
  const Tensor x = at::ones({2}).requires_grad_(true);
  x.mutable_grad() = at::ones({2});
  torch::optim::Adam adam({x}, torch::optim::AdamOptions(0.1));
  torch::optim::SGD sgd({x}, torch::optim::SGDOptions(0.1).momentum(0.9));
  cooper4j::step(adam);
  cooper4j::step(sgd);
  const Tensor before = x.detach().clone();

  state_of<torch::optim::AdamParamState>(adam, x).exp_avg(elsewhere);
  state_of<torch::optim::SGDParamState>(sgd, x).momentum_buffer(elsewhere);

  CHECK_THROWS(cooper4j::step(adam), "a parameter is on cpu, its optimizer's state on meta");
  CHECK_THROWS(cooper4j::step(sgd), "a parameter is on cpu, its optimizer's state on meta");
  CHECK(x.equal(before));
}

}  // namespace

CHECK_MAIN()
