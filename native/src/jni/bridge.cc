#include "bridge.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "cooper4j/command.h"
#include "cooper4j/memory.h"
#include "cooper4j/optim/state_dict.h"
#include "cooper4j/optim/step.h"
#include "cooper4j/penalty.h"
#include "cooper4j/project.h"
#include "cooper4j/threads.h"
#include "cooper4j/values.h"
#include "lagrangian/backward.h"
#include "lagrangian/bound.h"
#include "rates/tally.h"

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

/// Java knows native objects by their addresses.
const at::Tensor& at_address(int64_t address) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return *reinterpret_cast<const at::Tensor*>(address);
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
      *members[i] = at_address(tensors[i]);
      if (!members[i]->defined()) {
        throw std::invalid_argument("constraint {" + std::to_string(k) + "}: " + kMembers[i] +
                                    " is an undefined tensor; give one that has a value");
      }
    }
  }
  return terms;
}

/// Whether the features are the rows that violations [m] are of.
at::Tensor rows(const Term& term, const at::Tensor& features) {
  const bool indexed =
      term.multiplier_kind == Factor::kIndexed || term.penalty_kind == Factor::kIndexed;
  return indexed && features.defined() && features.scalar_type() == at::kLong ? features
                                                                              : at::Tensor();
}

/// One element where it is the same for all.
at::Tensor without_expansion(const at::Tensor& penalty) {
  const bool expanded = penalty.defined() && penalty.numel() > 1 &&
                        std::all_of(penalty.strides().begin(), penalty.strides().end(),
                                    [](int64_t stride) { return stride == 0; });
  return expanded ? penalty.as_strided({1}, {1}) : penalty;
}

at::Tensor readable(int64_t address, int64_t most) {
  if (address == 0) return {};
  const at::Tensor& tensor = at_address(address);
  const bool reads = tensor.defined() && tensor.layout() == at::kStrided && !tensor.is_meta() &&
                     !tensor.is_complex() && !tensor.is_quantized() && tensor.numel() <= most;
  return reads ? tensor : at::Tensor();
}

}  // namespace

Evaluation::Evaluation(const at::Tensor* loss, const int64_t* tensors, const int* flags, int count,
                       bool primal, bool dual, bool backward)
    : cooper4j::Evaluation(defined_loss(loss), unpack(tensors, flags, count), primal, dual) {
  if (backward) {
    cooper4j::Evaluation::backward();
  }
}

int64_t read_values(const Evaluation* primal, const Evaluation* dual, const int64_t* tensors,
                    int count, int64_t most, int64_t* counts, double* values, int64_t capacity) {
  std::vector<at::Tensor> parts;
  const Evaluation* observed = dual != nullptr ? dual : primal;
  const bool has_loss = observed != nullptr && observed->loss().defined();
  const Evaluation* losing = has_loss ? observed : primal;
  parts.push_back(losing != nullptr ? losing->loss() : at::Tensor());
  for (size_t k = 0; observed != nullptr && k < observed->size(); ++k) {
    const Term& term = observed->term(k);
    parts.push_back(term.violation);
    parts.push_back(rows(term, term.features));
    parts.push_back(term.strict_violation);
    parts.push_back(rows(term, term.strict_features));
  }
  for (size_t k = 0; primal != nullptr && k < primal->size(); ++k) {
    const Factors& factors = primal->factors(k, Side::kPrimal);
    parts.push_back(factors.multiplier);
    parts.push_back(without_expansion(factors.penalty));
  }
  for (size_t k = 0; dual != nullptr && k < dual->size(); ++k) {
    const at::Tensor& multiplier = dual->factors(k, Side::kDual).multiplier;
    const bool known = primal == dual && multiplier.defined() &&
                       multiplier.is_same(dual->factors(k, Side::kPrimal).multiplier);
    parts.push_back(known ? at::Tensor() : multiplier);
  }
  for (int i = 0; i < count; ++i) parts.push_back(readable(tensors[i], most));

  int64_t total = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    counts[i] = parts[i].defined() ? parts[i].numel() : -1;
    total += std::max<int64_t>(counts[i], 0);
  }
  if (total <= capacity) {
    parts.erase(std::remove_if(parts.begin(), parts.end(),
                               [](const at::Tensor& part) { return !part.defined(); }),
                parts.end());
    cooper4j::read_values(parts, values);
  }
  return total;
}

std::vector<at::Tensor> tensors_at(const int64_t* addresses, int count) {
  std::vector<at::Tensor> tensors;
  for (int i = 0; i < count; ++i) tensors.push_back(at_address(addresses[i]));
  return tensors;
}

void backward(const int64_t* roots, const int64_t* gradients, int count) {
  c10::NoGradGuard no_grad;
  cooper4j::backward(tensors_at(roots, count), tensors_at(gradients, count));
}

Optimizers::Optimizers(const int64_t* addresses, int primal, int count) {
  for (int i = 0; i < count; ++i) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    (i < primal ? primal_ : dual_)
        .push_back(reinterpret_cast<torch::optim::Optimizer*>(addresses[i]));
  }
}

int64_t Optimizers::begin() {
  const int64_t now = parameters();
  if (now != parameters_) {
    primal_elements_ = 0;
    for (const auto* optimizer : primal_) primal_elements_ += numel(*optimizer);
    parameters_ = now;
  }
  use_threads_for(primal_elements_, splits_);
  forget_graphs();
  return now;
}

void Optimizers::end() { end_step(); }

int64_t Optimizers::parameters() const {
  int64_t parameters = 0;
  for (const auto* list : {&primal_, &dual_}) {
    for (const auto* optimizer : *list) {
      for (const auto& group : optimizer->param_groups()) {
        parameters += static_cast<int64_t>(group.params().size());
      }
    }
  }
  return parameters;
}

std::vector<at::Tensor> Optimizers::primal_parameters() const {
  return cooper4j::parameters(primal_);
}

void Optimizers::zero_grad() const {
  for (const auto* list : {&primal_, &dual_}) {
    for (auto* optimizer : *list) optimizer->zero_grad(/*set_to_none=*/true);
  }
}

void Optimizers::check_step(bool primal) const {
  for (const auto* optimizer : side(primal)) cooper4j::check_step(*optimizer);
}

bool Optimizers::step(bool primal) {
  if (primal) splits_ = graphs_split();
  bool rows_only = true;
  for (auto* optimizer : side(primal)) rows_only &= cooper4j::step(*optimizer);
  return rows_only;
}

at::Tensor Optimizers::grad_norm(bool primal, double norm_type) const {
  return cooper4j::grad_norm(side(primal), norm_type);
}

at::Tensor Optimizers::clip_grad_norm(bool primal, double max_norm, double norm_type,
                                      bool error_if_nonfinite) const {
  return cooper4j::clip_grad_norm(side(primal), max_norm, norm_type, error_if_nonfinite);
}

void Optimizers::clip_grad_value(bool primal, double clip_value) const {
  cooper4j::clip_grad_value(side(primal), clip_value);
}

void Optimizers::scale_grad(bool primal, double factor) const {
  cooper4j::scale_grad(side(primal), factor);
}

void Optimizers::apply(MoreauEnvelope& envelope) const { envelope.apply(primal_); }

bool step(torch::optim::Optimizer& optimizer) { return cooper4j::step(optimizer); }

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

void add_param_group(torch::optim::Optimizer& optimizer, const std::vector<at::Tensor>& params,
                     const torch::optim::OptimizerOptions& options) {
  optimizer.add_param_group({params, options.clone()});
  optimizer.param_groups().back().set_options(options.clone());  // as keep_options() says
}

void project_non_negative(const at::Tensor& weight) {
  cooper4j::project_non_negative(at::TensorList(weight));
}

void project_gradient_rows(const at::Tensor& weight) { cooper4j::project_gradient_rows(weight); }

namespace {

rates::Examples examples(const at::Tensor* truth, const at::Tensor* weights,
                         const at::Tensor* groups, int64_t size) {
  const auto given = [](const at::Tensor* tensor) {
    return tensor != nullptr ? *tensor : at::Tensor();
  };
  return {given(truth), given(weights), given(groups), size};
}

rates::Tally unpack(const double* tally) {
  return {{tally[0], tally[1]}, {tally[2], tally[3]}, {tally[4], tally[5]}};
}

}  // namespace

at::Tensor tally_sums(const at::Tensor& x, int input, const at::Tensor* truth,
                      const at::Tensor* weights, const at::Tensor* groups, int64_t size,
                      const double* tally) {
  return rates::sums(x, static_cast<rates::Input>(input), examples(truth, weights, groups, size),
                     unpack(tally));
}

at::Tensor tally_quotients(const at::Tensor& x, int input, const at::Tensor* truth,
                           const at::Tensor* weights, const at::Tensor* groups, int64_t size,
                           const double* tally, bool float64) {
  return rates::quotients(x, static_cast<rates::Input>(input),
                          examples(truth, weights, groups, size), unpack(tally),
                          float64 ? at::kDouble : at::kFloat);
}

at::Tensor above(const at::Tensor& value, double bound) { return cooper4j::above(value, bound); }
at::Tensor below(const at::Tensor& value, double bound) { return cooper4j::below(value, bound); }

at::Tensor binary_labels(const at::Tensor& labels) { return rates::binary_labels(labels); }
at::Tensor group_codes(const at::Tensor& codes, int64_t size) {
  return rates::group_codes(codes, size);
}
bool has_nan(const at::Tensor& scores) { return rates::has_nan(scores); }

void update_penalty(const at::Tensor& value, const at::Tensor& init, const at::Tensor& violation,
                    const at::Tensor* indices, bool inequality, double leak, double tolerance,
                    double factor, double summand, double maximum) {
  const PenaltyUpdate update{factor, summand, tolerance, inequality, leak, maximum};
  cooper4j::update_penalty(value, init, violation, indices != nullptr ? *indices : at::Tensor(),
                           update);
}

void update_barrier_penalty(const at::Tensor& value, const at::Tensor& multiplier,
                            const at::Tensor& violation, const at::Tensor* indices, int formulation,
                            int rule, double factor, double delta, double lower, double upper) {
  const BarrierUpdate update{static_cast<BarrierRule>(rule),       factor, delta, lower, upper,
                             static_cast<Formulation>(formulation)};
  cooper4j::update_barrier_penalty(value, multiplier, violation,
                                   indices != nullptr ? *indices : at::Tensor(), update);
}

void bound(const at::Tensor& weight, double lower, double upper, double leak,
           bool gradient_rows_only) {
  cooper4j::bound(weight, {lower, upper, leak}, gradient_rows_only);
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

}  // namespace cooper4j::jni
