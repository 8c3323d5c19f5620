#include "cooper4j/constrained_optimizer.h"

#include <ATen/ATen.h>
#include <c10/util/Type.h>

#include <optional>
#include <sstream>
#include <stdexcept>
#include <typeinfo>

#include "cooper4j/checkpoint.h"
#include "cooper4j/optim/state_dict.h"
#include "cooper4j/optim/step.h"
#include "cooper4j/threads.h"
#include "lagrangian/backward.h"
#include "message.h"
#include "problem/accumulation.h"
#include "problem/replica.h"
#include "problem/wiring.h"

namespace cooper4j {
namespace {

Node states(Document& document, const Optimizers& optimizers, bool dual) {
  const Node list = document.list();
  for (const auto* optimizer : optimizers) {
    document.append(list, state_dict(document, *optimizer, dual));
  }
  return list;
}

void load(Document& document, Node state, const std::string& key, const Optimizers& optimizers,
          bool dual, bool dry) {
  const Node list = document.is_dict(state) ? document.find(state, key) : kNoNode;
  const bool present = list != kNoNode && document.kind(list) == Kind::kList;
  const size_t count = present ? document.size(list) : 0;
  if (count != optimizers.size()) {
    throw std::invalid_argument(key + ": expected " + std::to_string(optimizers.size()) +
                                " states, found " + std::to_string(count));
  }
  for (size_t i = 0; i < count; ++i) {
    try {
      load_state_dict(*optimizers[i], document, document.item(list, i), dual, dry);
    } catch (const std::invalid_argument& e) {
      throw std::invalid_argument(key + "[" + std::to_string(i) + "]." + e.what());
    }
  }
}

/// Refuses a roll inside of a roll.
class Rolling {
 public:
  explicit Rolling(bool* flag) : flag_(flag) {
    if (*flag_) {
      throw std::logic_error("this optimizer is rolling; compute_cmp_state must not roll it");
    }
    *flag_ = true;
  }
  Rolling(const Rolling&) = delete;
  Rolling& operator=(const Rolling&) = delete;
  ~Rolling() {
    end_step();
    *flag_ = false;
  }

 private:
  bool* flag_;
};

/// What is the same in all processes, a line a thing.
std::string signature(const ConstrainedMinimizationProblem& problem, const Optimizers& primal,
                      const Optimizers& dual) {
  std::ostringstream text;
  text << "distribute\n";
  for (const auto* side : {&primal, &dual}) {
    for (auto* optimizer : *side) {
      text << (side == &primal ? "primal " : "dual ") << c10::demangle(typeid(*optimizer).name())
           << '\n'
           << distributed::GradientSums::describe(parameters({optimizer}));
    }
  }
  for (const auto& constraint : problem.constraints()) {
    text << "constraint '" << constraint.name() << "': type " << static_cast<int>(constraint.type())
         << ", formulation " << static_cast<int>(constraint.formulation());
    if (constraint.multiplier()) {
      for (const auto& parameter : constraint.multiplier()->parameters()) {
        text << ", multiplier " << parameter.scalar_type() << parameter.sizes();
      }
    }
    if (constraint.penalty_coefficient()) {
      text << ", penalty " << constraint.penalty_coefficient()->value().sizes();
    }
    text << '\n';
  }
  return text.str();
}

/// What is a variable, or shares memory with one, would change with the steps.
void report_own(CMPState* state, const Evaluation& evaluation) {
  state->loss = evaluation.loss();
  for (size_t k = 0; k < evaluation.size(); ++k) {
    ConstraintState& observed = state->observed_constraints[k].second;
    observed.violation = evaluation.term(k).violation;
    observed.strict_violation = evaluation.term(k).strict_violation;
  }
}

/// Tensors to be read at once, and where the numbers go.
class Reader {
 public:
  void add(const at::Tensor& tensor, std::function<void(const double*, size_t)> take) {
    tensors_.push_back(tensor);
    takes_.push_back(std::move(take));
    count_ += static_cast<size_t>(tensor.numel());
  }

  void add(const at::Tensor& tensor, const std::string& name, RollValues::Named* out) {
    if (!tensor.defined()) return;
    add(tensor, [=](const double* values, size_t n) { (*out)[name].assign(values, values + n); });
  }

  void read() const {
    std::vector<double> values(count_);
    read_values(tensors_, values.data());
    const double* from = values.data();
    for (size_t i = 0; i < tensors_.size(); ++i) {
      const auto n = static_cast<size_t>(tensors_[i].numel());
      takes_[i](from, n);
      from += n;
    }
  }

 private:
  std::vector<at::Tensor> tensors_;
  std::vector<std::function<void(const double*, size_t)>> takes_;
  size_t count_ = 0;
};

bool is_number(const at::Tensor& tensor) {
  return tensor.defined() && tensor.layout() == at::kStrided && tensor.numel() == 1 &&
         !tensor.is_complex() && !tensor.is_meta();
}

void add_hook(std::vector<GradientHook>* hooks, GradientHook hook) {
  if (!hook) throw std::invalid_argument("the hook is empty; give a function");
  hooks->push_back(std::move(hook));
}

}  // namespace

RollValues RollOut::values() const {
  RollValues values;
  Reader reader;
  if (evaluation.loss().defined()) {
    reader.add(evaluation.loss(), [&](const double* value, size_t) { values.loss = *value; });
  }
  for (size_t k = 0; k < evaluation.size(); ++k) {
    const Term& term = evaluation.term(k);
    const Side side = evaluation.contributes(k, Side::kPrimal) ? Side::kPrimal : Side::kDual;
    const Factors& factors = evaluation.factors(k, side);
    reader.add(term.violation, *term.name, &values.violations);
    reader.add(term.strict_violation, *term.name, &values.strict_violations);
    reader.add(factors.multiplier, *term.name, &values.multipliers);
    reader.add(factors.penalty, *term.name, &values.penalty_coefficients);
  }
  for (const auto& [name, tensor] : state.misc) {
    if (!is_number(tensor)) continue;
    reader.add(tensor,
               [&values, key = name](const double* value, size_t) { values.misc[key] = *value; });
  }
  reader.read();
  return values;
}

const Factors& RollOut::factors(const Constraint& constraint, Side side) const {
  return evaluation.factors(state.index_of(constraint), side);
}

ConstrainedOptimizer::ConstrainedOptimizer(ConstrainedMinimizationProblem& problem,
                                           torch::optim::Optimizer& primal,
                                           torch::optim::Optimizer& dual)
    : ConstrainedOptimizer(problem, Optimizers{&primal}, Optimizers{&dual}) {}

ConstrainedOptimizer::ConstrainedOptimizer(ConstrainedMinimizationProblem& problem,
                                           Optimizers primal, Optimizers dual)
    : problem_(problem), primal_(std::move(primal)), dual_(std::move(dual)) {
  if (primal_.empty()) {
    throw std::invalid_argument("no primal optimizer was given; give at least one");
  }
  wiring_ = std::make_shared<problem::Wiring>(problem_, primal_, dual_);
  for (const auto* optimizer : primal_) primal_numel_ += numel(*optimizer);
}

void ConstrainedOptimizer::use_threads() {
  use_threads_for(primal_numel_, splits_);
  forget_graphs();
}

void ConstrainedOptimizer::before_primal_step(GradientHook hook) {
  add_hook(&primal_hooks_, std::move(hook));
}

void ConstrainedOptimizer::before_dual_step(GradientHook hook) {
  add_hook(&dual_hooks_, std::move(hook));
}

void ConstrainedOptimizer::call_hooks(CMPState& state) const {
  for (const auto& hook : primal_hooks_) hook(state, primal_);
  for (const auto& hook : dual_hooks_) hook(state, dual_);
}

void ConstrainedOptimizer::zero_grad() {
  for (auto* optimizer : primal_) optimizer->zero_grad();
  for (auto* optimizer : dual_) optimizer->zero_grad();
}

void ConstrainedOptimizer::check_steps() const {
  for (const auto* optimizer : primal_) check_step(*optimizer);
  for (const auto* optimizer : dual_) check_step(*optimizer);
}

void ConstrainedOptimizer::primal_step() {
  splits_ = graphs_split();
  for (auto* optimizer : primal_) step(*optimizer);
}

void ConstrainedOptimizer::dual_step() {
  bool gradient_rows_only = true;
  for (auto* optimizer : dual_) gradient_rows_only &= step(*optimizer);
  for (const auto& multiplier : problem_.multipliers()) multiplier->post_step(gradient_rows_only);
}

Node ConstrainedOptimizer::state_dict(Document& document) const {
  const Node state = document.dict();
  document.put(state, "primal_optimizer_states", states(document, primal_, false));
  document.put(state, "dual_optimizer_states",
               dual_.empty() ? document.none() : states(document, dual_, true));
  return state;
}

void ConstrainedOptimizer::load_state_dict(Document& document, Node state) {
  for (const bool dry : {true, false}) {
    load(document, state, "primal_optimizer_states", primal_, false, dry);
    load(document, state, "dual_optimizer_states", dual_, true, dry);
  }
  zero_grad();
}

void ConstrainedOptimizer::distribute(ProcessGroup& group) {
  if (distributed_) {
    throw std::logic_error("this optimizer is distributed already; call distribute once");
  }
  distributed_ = true;
  if (!group.group().connected()) return;
  const std::vector<at::Tensor> primal = parameters(primal_);
  group.group().sum(signature(problem_, primal_, dual_), at::empty({0}, at::kDouble));
  group.broadcast(primal);
  // The rest as rank 0's checkpoint.
  std::string bytes;
  if (group.rank() == 0) {
    Document document;
    const Node state = document.dict();
    document.put(state, "problem", problem_.state_dict(document));
    document.put(state, "optimizer", state_dict(document));
    bytes = save_bytes(document, state);
  }
  const at::Tensor size = at::tensor(static_cast<int64_t>(bytes.size()), at::kLong);
  group.broadcast({size});
  bytes.resize(static_cast<size_t>(size.item<int64_t>()));
  group.broadcast({at::from_blob(bytes.data(), {static_cast<int64_t>(bytes.size())}, at::kByte)});
  if (group.rank() > 0) {
    Document document = load_bytes(bytes);
    const Node state = document.root();
    problem_.load_state_dict(document, document.find(state, "problem"));
    load_state_dict(document, document.find(state, "optimizer"));
  }
  replica_ = std::make_shared<problem::Replica>(group, problem_, primal_, dual_);
}

RollOut SimultaneousOptimizer::roll(const std::function<CMPState()>& compute_cmp_state) {
  return guarded(1, [&](size_t) { return compute_cmp_state(); });
}

RollOut SimultaneousOptimizer::roll_accumulated(
    size_t parts, const std::function<CMPState(size_t part)>& compute_cmp_state) {
  if (replica() != nullptr) {
    const std::string refusal =
        "roll_accumulated() is for one process; in a group call roll(), and give each process a "
        "smaller part of the batch";
    replica()->fail(refusal);
    throw std::logic_error(refusal);
  }
  if (parts == 0) throw std::invalid_argument("no micro-batch was given; give at least one");
  return guarded(parts, compute_cmp_state);
}

RollOut SimultaneousOptimizer::guarded(size_t parts, const Parts& compute) {
  const Rolling rolling(&rolling_);
  try {
    return update(parts, compute);
  } catch (const std::exception& e) {
    if (replica() != nullptr) {
      const std::string text = message(e);
      replica()->fail(text.substr(0, text.find('\n')));
    }
    throw;
  }
}

RollOut SimultaneousOptimizer::update(size_t parts, const Parts& compute) {
  use_threads();
  const auto checked = [&](size_t part) {
    CMPState own = compute(part);
    wiring().check(own);
    return own;
  };
  std::optional<problem::Accumulation> accumulation;
  const auto all = [&] {
    if (parts == 1) return checked(0);
    return accumulation.emplace(parts, checked).state();
  };
  CMPState state = replica() != nullptr ? replica()->evaluate(all) : all();
  Evaluation evaluation = state.evaluate(/*primal=*/true, has_dual());
  if (evaluation.copied()) report_own(&state, evaluation);
  zero_grad();
  evaluation.backward();
  if (accumulation) accumulation->backward();
  if (replica() != nullptr) replica()->backward();
  wiring().require_primal_gradients(state);
  call_hooks(state);
  check_steps();
  primal_step();
  dual_step();
  return {std::move(state), std::move(evaluation)};
}

}  // namespace cooper4j
