#include "cooper4j/optim/step.h"

#include <torch/torch.h>

#include "check.h"
#include "cooper4j/optim/extragradient.h"
#include "cooper4j/optim/nupi.h"

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

/// Two groups, of which the second asks for the default of its options' class.
template <typename Optimizer, typename Options>
void keeps_each_groups_options(const Options& defaults, const Options& own) {
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<Tensor>{at::ones({2})});
  groups.emplace_back(std::vector<Tensor>{at::ones({2})}, std::make_unique<Options>(own));
  Optimizer optimizer(groups, defaults);
  CHECK(optimizer.param_groups()[0].options().get_lr() == defaults.lr());
  CHECK(optimizer.param_groups()[1].options().get_lr() == own.lr());
  const auto& kept = static_cast<const Options&>(optimizer.param_groups()[1].options());
  CHECK(kept.weight_decay() == own.weight_decay());
}

TEST(groups_keep_the_options_that_they_were_given) {
  using namespace cooper4j;
  keeps_each_groups_options<NuPI>(NuPIOptions(0.1).weight_decay(0.5), NuPIOptions(0.2));
  keeps_each_groups_options<ExtraSGD>(ExtraSGDOptions(0.1).weight_decay(0.5), ExtraSGDOptions());
  keeps_each_groups_options<ExtraAdam>(ExtraAdamOptions(0.1).weight_decay(0.5), ExtraAdamOptions());
}

}  // namespace

CHECK_MAIN()
