// Optimizers of primal and dual variables, after cooper.optim.
//
//   torch::optim::Adam primal(model->parameters(), 1e-3);
//   torch::optim::SGD dual(problem.dual_parameters(), 1e-3);
//   cooper4j::SimultaneousOptimizer optimizer(problem, primal, dual);
//   optimizer.roll([&] { return problem.compute_cmp_state(batch); });
//
// Any LibTorch optimizer may be the dual one: multipliers get the negated dual gradient, so that
// its descent ascends. The pieces that roll() is made of are there for other schemes; dual
// variables first (Cooper's AlternatingDualPrimalOptimizer) is
//
//   CMPState state = problem.compute_cmp_state(batch);
//   optimizer.zero_grad();
//   state.evaluate(false, true).backward();
//   optimizer.dual_step();
//   state.evaluate(true, false).backward();
//   optimizer.primal_step();
//
// Ownership: problem and optimizers are the caller's and must outlive this. A RollOut holds the
//            tensors of its step; drop it before the next roll to keep memory flat.
// Threads:   one thread at a time. Construction calls init_threads(), see threads.h.
// Errors:    std::invalid_argument that names the constraint or the key, before any variable
//            changed; c10::Error from LibTorch.
#pragma once

#include <torch/optim/optimizer.h>

#include <functional>
#include <memory>
#include <vector>

#include "cooper4j/document.h"
#include "cooper4j/export.h"
#include "cooper4j/optim/gradients.h"
#include "cooper4j/problem.h"
#include "cooper4j/values.h"

namespace cooper4j {

class ProcessGroup;

namespace problem {
class Replica;
class Wiring;
}  // namespace problem

/// What a roll computed.
struct COOPER4J_EXPORT RollOut {
  CMPState state;
  Evaluation evaluation;  ///< of the point before the steps

  /// The multiplier and penalty values that the step used.
  const Factors& factors(const Constraint& constraint, Side side = Side::kPrimal) const;

  /// Its numbers, to keep or to log; waits for a CUDA device once.
  RollValues values() const;
};

/// Looks at the gradients that a step is about to use, those of all optimizers of its side, or
/// changes them in place (optim/gradients.h); what it puts into the state's misc comes out of the
/// roll. A multiplier's gradient is negated.
using GradientHook = std::function<void(CMPState& state, const Optimizers& optimizers)>;

/// cooper.optim.ConstrainedOptimizer: the pieces of a step, and the optimizers' states.
///
/// Every variable belongs to one optimizer, and each of the problem's multipliers to a dual one,
/// unless it is to stay as it is: requires_grad_(false) on its parameters says so. Throws
/// std::invalid_argument, naming optimizer and constraint, if that is not so.
class COOPER4J_EXPORT ConstrainedOptimizer {
 public:
  ConstrainedOptimizer(ConstrainedMinimizationProblem& problem, torch::optim::Optimizer& primal,
                       torch::optim::Optimizer& dual);
  /// Several optimizers a side; without a dual one only primal variables move, as with Cooper's
  /// UnconstrainedOptimizer.
  ConstrainedOptimizer(ConstrainedMinimizationProblem& problem, Optimizers primal, Optimizers dual);

  /// From now on calls a hook in every roll, after all gradients were computed and checked and
  /// before any variable moves, in the order of adding:
  ///
  ///   optimizer.before_primal_step([](CMPState& state, const Optimizers& primal) {
  ///     state.misc["grad_norm"] = clip_grad_norm(primal, 1.0);
  ///   });
  ///
  /// One that throws fails the roll, which has then moved nothing. Throws if the hook is empty.
  void before_primal_step(GradientHook hook);
  void before_dual_step(GradientHook hook);

  /// From now on every roll() is over the samples of all processes of a group, which must outlive
  /// this: see distributed.h. Call it in each, before the first roll. All start from what rank 0
  /// has of variables, multipliers, penalty coefficients and the optimizers' states. Throws, in all
  /// of them, if they do not have the same problem. A roll that throws closes the group.
  void distribute(ProcessGroup& group);

  void zero_grad();
  void primal_step();
  /// Steps the dual optimizers, then projects the multipliers of inequalities to λ >= 0.
  void dual_step();

  /// {"primal_optimizer_states": […], "dual_optimizer_states": […] or None}, as Cooper's.
  Node state_dict(Document& document) const;
  /// Copies a state in that was saved here, in Java or in Python: all of it or nothing. Clears the
  /// gradients.
  void load_state_dict(Document& document, Node state);

 protected:
  void use_threads();  ///< as the primal variables and the last step's graphs ask, see threads.h
  void check_steps() const;  ///< throws what a step would, before the first one
  bool has_dual() const { return !dual_.empty(); }
  problem::Wiring& wiring() const { return *wiring_; }
  void call_hooks(CMPState& state) const;                       ///< those of both sides
  problem::Replica* replica() const { return replica_.get(); }  ///< null in a process alone

 private:
  ConstrainedMinimizationProblem& problem_;
  Optimizers primal_;
  Optimizers dual_;
  std::vector<GradientHook> primal_hooks_;
  std::vector<GradientHook> dual_hooks_;
  std::shared_ptr<problem::Wiring> wiring_;
  std::shared_ptr<problem::Replica> replica_;
  bool distributed_ = false;
  int64_t primal_numel_ = 0;
  bool splits_ = true;  // the graphs of the last step
};

/// x₊ = x − η ∇ₓL(x, λ, μ),  λ₊ = [λ + η g(x)]₊,  μ₊ = μ + η h(x), from the same point.
class COOPER4J_EXPORT SimultaneousOptimizer final : public ConstrainedOptimizer {
 public:
  using ConstrainedOptimizer::ConstrainedOptimizer;

  /// A state without a loss, of which nothing contributes to the primal side, moves the multipliers
  /// alone. A roll that throws has moved no variable, unless an optimizer's own step() threw after
  /// another's. Throws std::logic_error if compute_cmp_state rolls this optimizer itself.
  RollOut roll(const std::function<CMPState()>& compute_cmp_state);

  /// One roll over a batch that is too large to be evaluated at once, given in parts:
  ///
  ///   optimizer.roll_accumulated(4, [&](size_t part) {
  ///     return problem.compute_cmp_state(batch.part(part));
  ///   });
  ///
  /// Gradients, steps and the RollOut are those of the whole; it takes the memory of one part, and
  /// evaluates each twice, since the weights of formulations such as the augmented Lagrangian need
  /// the whole's violations first. Loss and violations of the whole are the parts' means, weighted
  /// with CMPState::samples, which all of them set or none; rows of constraints with features are
  /// joined. With that it equals one roll over the whole, up to rounding, if loss and violations
  /// without features are means over samples or do not depend on the batch, if violations with
  /// features are of a sample each, and if no layer mixes samples, as batch normalisation does.
  /// LibTorch's generators are put back before a part's second evaluation, so that dropout draws
  /// the same masks. Scalars in misc are averaged likewise, of the rest the last part's stays.
  ///
  /// Throws as roll() does, and std::invalid_argument if the parts do not fit together;
  /// std::logic_error in a group of several processes, each of which has a part already.
  RollOut roll_accumulated(size_t parts,
                           const std::function<CMPState(size_t part)>& compute_cmp_state);

 private:
  using Parts = std::function<CMPState(size_t)>;

  RollOut guarded(size_t parts, const Parts& compute);
  RollOut update(size_t parts, const Parts& compute);

  bool rolling_ = false;
};

}  // namespace cooper4j
