#include "problem/accumulation.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "lagrangian/backward.h"

namespace cooper4j::problem {
namespace {

constexpr at::Tensor ConstraintState::* kTensors[] = {
    &ConstraintState::violation, &ConstraintState::constraint_features,
    &ConstraintState::strict_violation, &ConstraintState::strict_constraint_features};

/// Those whose random numbers an evaluation may draw.
std::vector<at::Generator> generators_in_use() {
  std::vector<at::Generator> all = {at::detail::getDefaultCPUGenerator()};
  if (at::hasCUDA() && at::getNumGPUs() > 0) {
    all.push_back(at::globalContext().defaultGenerator(at::Device(at::kCUDA)));
  }
  return all;
}

std::vector<at::Tensor> generator_states() {
  std::vector<at::Tensor> states;
  for (auto& generator : generators_in_use()) {
    const std::lock_guard<std::mutex> lock(generator.mutex());
    states.push_back(generator.get_state());
  }
  return states;
}

void set_generator_states(const std::vector<at::Tensor>& states) {
  std::vector<at::Generator> all = generators_in_use();
  for (size_t i = 0; i < states.size(); ++i) {
    const std::lock_guard<std::mutex> lock(all[i].mutex());
    all[i].set_state(states[i]);
  }
}

at::Tensor detached_copy(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.detach().clone() : tensor;
}

const ConstraintState* observation(const CMPState& state, const Constraint* constraint) {
  for (const auto& [its, observed] : state.observed_constraints) {
    if (its == constraint) return &observed;
  }
  return nullptr;
}

/// Rows of a part are some of the whole's; else there is a mean over samples.
bool is_of_rows(const ConstraintState& state) {
  return state.constraint_features.defined() || state.strict_constraint_features.defined();
}

bool is_scalar(const at::Tensor& tensor) {
  return tensor.defined() && tensor.numel() == 1 && at::isFloatingType(tensor.scalar_type());
}

[[noreturn]] void refuse_parts(const Constraint* constraint, size_t i, size_t j,
                               const std::string& trouble) {
  throw std::invalid_argument("constraint '" + constraint->name() + "', micro-batches " +
                              std::to_string(i) + " and " + std::to_string(j) + ": " + trouble);
}

}  // namespace

Accumulation::Accumulation(size_t parts, Compute compute) : compute_(std::move(compute)) {
  if (parts == 0) throw std::invalid_argument("no micro-batch was given; give at least one");
  for (size_t i = 0; i < parts; ++i) take(i);
  weigh();
  require_alike();
  const c10::NoGradGuard no_grad;
  join();
  average_misc();
}

void Accumulation::take(size_t i) {
  Part part;
  part.generators = generator_states();
  const CMPState state = compute_(i);
  loss_differentiable_ |= state.loss.defined() && state.loss.requires_grad();
  part.values.loss = detached_copy(state.loss);
  part.values.samples = state.samples;
  if (state.samples.value_or(0) < 0) {
    throw std::invalid_argument("micro-batch " + std::to_string(i) + " has " +
                                std::to_string(*state.samples) + " samples; expected at least 0");
  }
  for (const auto& [constraint, observed] : state.observed_constraints) {
    const std::string self =
        "constraint '" + constraint->name() + "', micro-batch " + std::to_string(i) + ": ";
    if (observation(part.values, constraint) != nullptr) {
      throw std::invalid_argument(self + "it was observed twice in one state");
    }
    if (!observed.violation.defined()) {
      throw std::invalid_argument(self + "its violation is undefined; give a tensor");
    }
    if (observed.violation.requires_grad()) differentiable_.insert(constraint);
    ConstraintState values = observed;
    for (auto tensor : kTensors) values.*tensor = detached_copy(observed.*tensor);
    part.values.observe(*constraint, std::move(values));
  }
  for (const auto& [key, tensor] : state.misc) part.values.misc[key] = detached_copy(tensor);
  parts_.push_back(std::move(part));
}

void Accumulation::weigh() {
  size_t given = 0;
  for (const auto& part : parts_) given += part.values.samples.has_value() ? 1 : 0;
  if (given != 0 && given != parts_.size()) {
    throw std::invalid_argument(
        std::to_string(given) + " of " + std::to_string(parts_.size()) +
        " micro-batches said how many samples they have; set samples in all of their states, or in "
        "none if they are of one size");
  }
  for (const auto& part : parts_) {
    weights_.push_back(static_cast<double>(part.values.samples.value_or(1)));
  }
  const double all = std::accumulate(weights_.begin(), weights_.end(), 0.0);
  if (all <= 0) throw std::invalid_argument("the batch has no samples at all, in no micro-batch");
  for (double& weight : weights_) weight /= all;
}

void Accumulation::require_alike() const {
  for (size_t i = 1; i < parts_.size(); ++i) {
    if (parts_[i].values.loss.defined() != parts_[0].values.loss.defined()) {
      throw std::invalid_argument("micro-batch " + std::to_string(i) +
                                  " and micro-batch 0: one has a loss, the other has none");
    }
  }
  for (size_t i = 0; i < parts_.size(); ++i) {
    for (size_t j = 0; j < parts_.size(); ++j) require_alike(i, j);
  }
}

void Accumulation::require_alike(size_t i, size_t j) const {
  for (const auto& [constraint, its] : parts_[i].values.observed_constraints) {
    const ConstraintState* other = observation(parts_[j].values, constraint);
    const bool rows = is_of_rows(its);
    if (other == nullptr) {
      if (rows) continue;
      refuse_parts(constraint, i, j,
                   "it was not observed there, so that its mean over the whole is unknown");
    }
    bool alike = other->contributes_to_primal_update == its.contributes_to_primal_update &&
                 other->contributes_to_dual_update == its.contributes_to_dual_update;
    for (auto tensor : kTensors) {
      alike &= (its.*tensor).defined() == (other->*tensor).defined();
    }
    if (!alike) {
      refuse_parts(constraint, i, j,
                   "strict violations, features and contributions must be given alike");
    }
    for (auto tensor : {&ConstraintState::violation, &ConstraintState::strict_violation}) {
      if (!rows && (its.*tensor).defined() && (its.*tensor).sizes() != (other->*tensor).sizes()) {
        refuse_parts(constraint, i, j, "its violation has another shape there");
      }
    }
  }
}

void Accumulation::join() {
  const CMPState& first = parts_[0].values;
  if (first.loss.defined()) {
    whole_.loss = mean([](const CMPState& state) { return state.loss; });
    whole_.loss.set_requires_grad(loss_differentiable_);
  }
  if (first.samples) {
    whole_.samples = 0;
    for (const auto& part : parts_) *whole_.samples += *part.values.samples;
  }
  for (const auto& part : parts_) {
    for (const auto& [constraint, observed] : part.values.observed_constraints) {
      if (observation(whole_, constraint) != nullptr) continue;
      ConstraintState values = observed;
      const bool rows = is_of_rows(observed);
      for (auto tensor : kTensors) {
        if ((observed.*tensor).defined()) values.*tensor = joined(constraint, rows, tensor);
      }
      values.violation.set_requires_grad(differentiable_.count(constraint) > 0);
      whole_.observe(*constraint, std::move(values));
    }
  }
}

at::Tensor Accumulation::mean(const std::function<at::Tensor(const CMPState&)>& of) const {
  at::Tensor sum;
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (weights_[i] <= 0) continue;  // the mean over no samples is NaN
    const at::Tensor share = of(parts_[i].values) * weights_[i];
    sum = sum.defined() ? sum + share : share;
  }
  return sum;
}

at::Tensor Accumulation::joined(const Constraint* constraint, bool rows,
                                at::Tensor ConstraintState::* tensor) const {
  if (!rows) {
    return mean([&](const CMPState& state) { return observation(state, constraint)->*tensor; });
  }
  std::vector<at::Tensor> all;
  for (const auto& part : parts_) {
    const ConstraintState* observed = observation(part.values, constraint);
    if (observed == nullptr) continue;
    const at::Tensor& own = observed->*tensor;
    all.push_back(own.dim() == 0 ? own.unsqueeze(0) : own);
  }
  return at::cat(all);
}

void Accumulation::average_misc() {
  for (const auto& part : parts_) {
    for (const auto& [key, tensor] : part.values.misc) whole_.misc[key] = tensor;
  }
  for (auto& [key, tensor] : whole_.misc) {
    const auto has_scalar = [key = key](const Part& part) {
      const auto found = part.values.misc.find(key);
      return found != part.values.misc.end() && is_scalar(found->second);
    };
    if (std::all_of(parts_.begin(), parts_.end(), has_scalar)) {
      tensor = mean([key = key](const CMPState& state) { return state.misc.at(key); });
    }
  }
}

void Accumulation::backward() {
  std::vector<int64_t> rows(whole_.observed_constraints.size(), 0);  // those of earlier parts
  for (size_t i = 0; i < parts_.size(); ++i) {
    set_generator_states(parts_[i].generators);
    const CMPState state = compute_(i);
    std::vector<at::Tensor> roots;
    std::vector<at::Tensor> gradients;
    const auto add = [&](const at::Tensor& root, const at::Tensor& gradient) {
      if (!root.requires_grad()) return;
      roots.push_back(root);
      gradients.push_back(gradient.reshape(root.sizes()));
    };
    if (weights_[i] > 0 && whole_.loss.defined() && whole_.loss.grad().defined()) {
      add(state.loss, whole_.loss.grad() * weights_[i]);
    }
    for (size_t k = 0; k < rows.size(); ++k) {
      const auto& [constraint, whole] = whole_.observed_constraints[k];
      const at::Tensor& gradient = whole.violation.grad();
      const ConstraintState* own = observation(state, constraint);
      if (own == nullptr) continue;
      const int64_t start = rows[k];
      rows[k] += own->violation.numel();
      if (!gradient.defined()) continue;
      if (is_of_rows(whole)) {
        add(own->violation, gradient.narrow(0, start, own->violation.numel()).clone());
      } else if (weights_[i] > 0) {
        add(own->violation, gradient * weights_[i]);
      }
    }
    cooper4j::backward(roots, std::move(gradients));
  }
}

}  // namespace cooper4j::problem
