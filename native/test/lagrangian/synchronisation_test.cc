// A step must not wait for a CUDA device. Here steps run on the CPU, over tensors that no plain
// loop takes (more than 512 elements; indices that are not contiguous), while every ATen call is
// noted by name: those whose CUDA kernels hand the host a number must not be among them.
#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "cooper4j/lagrangian.h"
#include "cooper4j/optim/extragradient.h"
#include "cooper4j/optim/nupi.h"
#include "cooper4j/optim/step.h"
#include "cooper4j/penalty.h"
#include "cooper4j/project.h"

namespace {

using cooper4j::Evaluation;
using cooper4j::Factor;
using cooper4j::Formulation;
using cooper4j::Term;

constexpr int64_t kObserved = 600;
constexpr int64_t kRows = 1000;

const std::set<std::string> kWaiting = {
    "aten::_local_scalar_dense", "aten::_coalesce", "aten::nonzero",
    "aten::masked_select",       "aten::equal",     "aten::_unique2",
    "aten::unique_dim"};

std::mutex mutex;  // the backward pass may run in a thread of its own
std::set<std::string> noted;
thread_local int additions = 0;

/// On the CPU, unlike on CUDA, adding a sparse tensor coalesces it: what additions call is let
/// pass.
bool is_addition(const at::RecordFunction& call) {
  return std::string(call.name()).rfind("aten::add", 0) == 0;
}

std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& call) {
  if (is_addition(call)) ++additions;
  if (additions == 0 && kWaiting.count(call.name()) != 0) {
    const std::lock_guard<std::mutex> lock(mutex);
    noted.insert(call.name());
  }
  return nullptr;
}

void leave(const at::RecordFunction& call, at::ObserverContext*) {
  if (is_addition(call)) --additions;
}

/// The names of the waiting calls that `body` makes.
std::string waiting(const std::function<void()>& body) {
  noted.clear();
  const auto observer = at::addGlobalCallback(
      at::RecordFunctionCallback(enter, leave).scopes({at::RecordScope::FUNCTION}));
  body();
  at::removeCallback(observer);
  std::string names;
  for (const auto& name : noted) names += name + " ";
  return names;
}

/// A constraint of every formulation, dense or indexed, with rows that come twice.
struct Problem {
  at::Tensor x = at::ones({kObserved}).requires_grad_(true);
  at::Tensor rows = at::arange(2 * kObserved).remainder(500).slice(0, 0, 2 * kObserved, 2);
  at::Tensor dense = at::ones({kObserved}).requires_grad_(true);
  at::Tensor table = at::ones({kRows, 1}).requires_grad_(true);
  at::Tensor penalties = at::ones({kRows});

  Term term(Formulation formulation, bool inequality, bool indexed) const {
    Term term;
    term.formulation = formulation;
    term.inequality = inequality;
    term.violation = x - 0.5;
    if (indexed) term.features = rows;
    const Factor kind = indexed ? Factor::kIndexed : Factor::kDense;
    if (formulation != Formulation::kQuadraticPenalty) {
      term.multiplier_kind = kind;
      term.multiplier = indexed ? table : dense;
    }
    if (formulation != Formulation::kLagrangian) {
      term.penalty_kind = kind;
      term.penalty = indexed ? penalties : penalties.slice(0, 0, kObserved);
    }
    return term;
  }

  std::vector<Term> terms(bool indexed) const {
    std::vector<Term> terms;
    for (const auto formulation : {Formulation::kLagrangian, Formulation::kQuadraticPenalty,
                                   Formulation::kAugmentedLagrangian}) {
      for (const bool inequality : {false, true}) {
        terms.push_back(term(formulation, inequality, indexed));
      }
    }
    return terms;
  }
};

using Optimizer = std::unique_ptr<torch::optim::Optimizer>;
using Make = std::function<Optimizer(std::vector<at::Tensor>)>;

template <typename T, typename Options>
Make make(Options options) {
  return [options](std::vector<at::Tensor> params) {
    return std::make_unique<T>(std::move(params), options);
  };
}

const Make kSGD = make<torch::optim::SGD>(torch::optim::SGDOptions(0.1));
const Make kMomentum = make<torch::optim::SGD>(torch::optim::SGDOptions(0.1).momentum(0.9));
const Make kExtraSGD = make<cooper4j::ExtraSGD>(cooper4j::ExtraSGDOptions(0.1));
const Make kExtraMomentum = make<cooper4j::ExtraSGD>(cooper4j::ExtraSGDOptions(0.1).momentum(0.9));
const Make kNuPI = make<cooper4j::NuPI>(cooper4j::NuPIOptions(0.1).Kp(0.5).ema_nu(0.9));

void roll(const Problem& problem, bool indexed, const Make& make_primal, const Make& make_dual) {
  const at::Tensor& multiplier = indexed ? problem.table : problem.dense;
  const Optimizer primal = make_primal({problem.x});
  const Optimizer dual = make_dual({multiplier});
  const std::string names = waiting([&] {
    for (int i = 0; i < 3; ++i) {
      primal->zero_grad();
      dual->zero_grad();
      Evaluation(problem.x.square().sum(), problem.terms(indexed), true, true).backward();
      for (auto* optimizer : {primal.get(), dual.get()}) {
        auto* ahead = dynamic_cast<cooper4j::ExtragradientOptimizer*>(optimizer);
        if (ahead != nullptr) ahead->extrapolation();
      }
      cooper4j::step(*primal);
      cooper4j::step(*dual);
      cooper4j::project_non_negative(multiplier);
      cooper4j::project_gradient_rows(multiplier);
    }
  });
  CHECK_EQ("", names);
}

TEST(a_read_is_noted) {
  const at::Tensor one = at::ones({1});
  CHECK_EQ("aten::_local_scalar_dense ", waiting([&] { one.item<float>(); }));
}

/// Without Adam: its fused kernel reads the step's number from a tensor, here through the host.
TEST(dense_steps_wait_for_nothing) {
  for (const Make& optimizer :
       {kSGD, kMomentum, kExtraSGD, kExtraMomentum, kNuPI,
        make<torch::optim::RMSprop>(torch::optim::RMSpropOptions(0.1)),
        make<torch::optim::Adagrad>(torch::optim::AdagradOptions(0.1)),
        make<cooper4j::ExtraAdam>(cooper4j::ExtraAdamOptions(0.1).amsgrad(true))}) {
    roll(Problem(), false, optimizer, optimizer);
  }
}

TEST(sparse_steps_wait_for_nothing) {
  for (const Make& dual : {kSGD, kMomentum, kExtraSGD, kExtraMomentum, kNuPI}) {
    roll(Problem(), true, kSGD, dual);
  }
}

TEST(penalty_updates_wait_for_nothing) {
  const Problem problem;
  const at::Tensor violation = at::linspace(-1, 1, kObserved);
  const at::Tensor scalar = at::ones({});
  cooper4j::PenaltyUpdate update;
  update.factor = 2;
  const std::string names = waiting([&] {
    for (const bool inequality : {false, true}) {
      update.inequality = inequality;
      update.leak = inequality ? 1 : 0;
      const at::Tensor dense = problem.penalties.slice(0, 0, kObserved);
      cooper4j::update_penalty(dense, dense.clone(), violation, {}, update);
      cooper4j::update_penalty(problem.penalties, problem.penalties.clone(), violation,
                               problem.rows, update);
      cooper4j::update_penalty(scalar, scalar.clone(), violation, {}, update);
    }
  });
  CHECK_EQ("", names);
}

}  // namespace

CHECK_MAIN()
