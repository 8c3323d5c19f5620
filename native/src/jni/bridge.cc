#include "bridge.h"

#include <cmath>
#include <iostream>

#include "cooper4j/command.h"
#include "cooper4j/memory.h"
#include "cooper4j/optim/state_dict.h"
#include "cooper4j/optim/step.h"
#include "cooper4j/penalty.h"
#include "cooper4j/project.h"
#include "cooper4j/threads.h"

namespace cooper4j::jni {
namespace {

constexpr const char* kMembers[Evaluation::kTensors] = {
    "the violation",           "the tensor of constraint features",
    "the strict violation",    "the tensor of strict constraint features",
    "its multiplier",          "its multiplier at the strict features",
    "its penalty coefficient", "its formulation's contribution"};

at::Tensor defined_loss(const at::Tensor* loss) {
  if (loss == nullptr) return {};
  if (!loss->defined()) {
    throw std::invalid_argument("the loss is an undefined tensor; give one that has a value");
  }
  return *loss;
}

std::vector<Term> unpack(const int64_t* tensors, const int* flags, int count) {
  std::vector<Term> terms(count);
  for (int k = 0; k < count; ++k, tensors += Evaluation::kTensors) {
    Term& term = terms[k];
    term.formulation = static_cast<Formulation>(flags[k] & 0xf);
    term.inequality = (flags[k] >> 4 & 1) != 0;
    term.contributes_to_primal = (flags[k] >> 5 & 1) != 0;
    term.contributes_to_dual = (flags[k] >> 6 & 1) != 0;
    term.multiplier_learns = (flags[k] >> 7 & 1) != 0;
    term.multiplier_kind = static_cast<Factor>(flags[k] >> 8 & 0xf);
    term.penalty_kind = static_cast<Factor>(flags[k] >> 12 & 0xf);
    at::Tensor* const members[Evaluation::kTensors] = {
        &term.violation,  &term.features,          &term.strict_violation, &term.strict_features,
        &term.multiplier, &term.strict_multiplier, &term.penalty,          &term.contribution};
    for (int i = 0; i < Evaluation::kTensors; ++i) {
      if (tensors[i] == 0) continue;
      // Java knows native objects by their addresses.
      // NOLINTNEXTLINE(performance-no-int-to-ptr)
      *members[i] = *reinterpret_cast<const at::Tensor*>(tensors[i]);
      if (!members[i]->defined()) {
        throw std::invalid_argument("constraint {" + std::to_string(k) + "}: " + kMembers[i] +
                                    " is an undefined tensor; give one that has a value");
      }
    }
  }
  return terms;
}

}  // namespace

Evaluation::Evaluation(const at::Tensor* loss, const int64_t* tensors, const int* flags, int count,
                       bool primal, bool dual, bool backward)
    : cooper4j::Evaluation(defined_loss(loss), unpack(tensors, flags, count), primal, dual) {
  if (backward) {
    cooper4j::Evaluation::backward();
  }
}

bool step(torch::optim::Optimizer& optimizer) { return cooper4j::step(optimizer); }

void check_step(const torch::optim::Optimizer& optimizer) { cooper4j::check_step(optimizer); }

bool takes_no_sparse_gradient(const torch::optim::Optimizer& optimizer) {
  return cooper4j::takes_no_sparse_gradient(optimizer);
}

void set_lr(torch::optim::Optimizer& optimizer, int group, double lr) {
  cooper4j::set_lr(optimizer, static_cast<size_t>(group), lr);
}

double initial_lr(torch::optim::Optimizer& optimizer, int group) {
  return cooper4j::initial_lr(optimizer, static_cast<size_t>(group));
}

double cos(double x) { return std::cos(x); }

double pow(double x, double y) { return std::pow(x, y); }

int64_t numel(const torch::optim::Optimizer& optimizer) { return cooper4j::numel(optimizer); }

void set_betas(ExtraAdamOptions& options, double beta1, double beta2) {
  options.betas({beta1, beta2});
}

void add_param_group(torch::optim::Optimizer& optimizer, const std::vector<at::Tensor>& params,
                     const torch::optim::OptimizerOptions& options) {
  optimizer.add_param_group({params, options.clone()});
  optimizer.param_groups().back().set_options(options.clone());  // as keep_options() says
}

void project_non_negative(const at::Tensor& weight) {
  cooper4j::project_non_negative(at::TensorList(weight));
}

void project_gradient_rows(const at::Tensor& weight) { cooper4j::project_gradient_rows(weight); }

void update_penalty(const at::Tensor& value, const at::Tensor& init, const at::Tensor& violation,
                    const at::Tensor* indices, bool inequality, bool restart, double tolerance,
                    double factor, double summand, double maximum) {
  const PenaltyUpdate update{factor, summand, tolerance, inequality, restart, maximum};
  cooper4j::update_penalty(value, init, violation, indices != nullptr ? *indices : at::Tensor(),
                           update);
}

int run_command(const char* arguments, int64_t n) {
  std::vector<std::string> list;
  for (const char* at = arguments; at < arguments + n; at += list.back().size() + 1) {
    list.emplace_back(at);
  }
  const int code = cooper4j::run_command(list, std::cout, std::cerr);
  std::cout.flush();
  return code;
}

void cache_cpu_memory(int64_t bytes) { cooper4j::cache_cpu_memory(static_cast<size_t>(bytes)); }

void empty_cpu_cache() { cooper4j::empty_cpu_cache(); }

void init_threads(int cores, bool sleep) {
  cooper4j::init_threads(cores, sleep || idle_threads_sleep());
}

void set_num_threads(int threads) { cooper4j::set_num_threads(threads); }

int num_threads() { return cooper4j::num_threads(); }

void use_threads_for(int64_t parameters) { cooper4j::use_threads_for(parameters); }

}  // namespace cooper4j::jni
