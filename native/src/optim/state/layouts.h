// The keys of Python's state dicts, in its order, told once for saving and loading: a Visitor is a
// StateSaver or a StateLoader.
#pragma once

#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include "cooper4j/optim/adam.h"
#include "cooper4j/optim/extragradient.h"
#include "cooper4j/optim/nupi.h"
#include "optim/state/visitor.h"

namespace cooper4j::optim {

template <typename OptionsType, typename StateType>
struct Layout {
  using Options = OptionsType;
  using State = StateType;
  /// Whether step() relies on every parameter's having a state.
  static constexpr bool kAlwaysHasState = false;
  /// Whether an empty dict is a state, as nuPI's without a proportional term is.
  static constexpr bool kMayBeEmpty = false;
  /// Throws std::invalid_argument where step() would not bear what was loaded.
  static void check(const Options&) {}
  static void check(const State&, const Options&) {}
  /// Whether a loaded state holds something; step() starts afresh where there is none.
  static bool has_content(const State&) { return true; }
};

template <typename Options, typename State>
struct MomentumLayout : Layout<Options, State> {
  /// Python's SGD may write None.
  static bool has_content(const State& state) { return state.momentum_buffer().defined(); }

  template <typename Visitor>
  static void visit_state(Visitor& v, State& state, const Options&) {
    v.tensor("momentum_buffer", state.momentum_buffer(), Need::kOptional);
  }

 protected:
  template <typename Visitor>
  static void visit_common(Visitor& v, Options& options) {
    v.real("lr", options.lr());
    v.real("momentum", options.momentum(), Zero::kInt);
    v.real("dampening", options.dampening(), Zero::kInt);
    v.real("weight_decay", options.weight_decay(), Zero::kInt);
    v.flag("nesterov", options.nesterov());
    v.maximize();
  }
};

struct SGDLayout : MomentumLayout<torch::optim::SGDOptions, torch::optim::SGDParamState> {
  template <typename Visitor>
  static void visit_options(Visitor& v, Options& options) {
    visit_common(v, options);
    v.none("foreach");
    v.off("differentiable");
    v.none("fused");
  }
};

struct ExtraSGDLayout : MomentumLayout<ExtraSGDOptions, ExtraSGDParamState> {
  template <typename Visitor>
  static void visit_options(Visitor& v, Options& options) {
    visit_common(v, options);
  }
};

template <typename Options, typename State>
struct MomentsLayout : Layout<Options, State> {
 protected:
  template <typename Visitor>
  static void visit_common(Visitor& v, Options& options) {
    v.real("lr", options.lr());
    v.betas("betas", options.betas());
    v.real("eps", options.eps());
    v.real("weight_decay", options.weight_decay(), Zero::kInt);
    v.flag("amsgrad", options.amsgrad());
    v.maximize();
  }

  template <typename Visitor>
  static void visit_moments(Visitor& v, State& state, const Options& options) {
    v.tensor("exp_avg", state.exp_avg(), Need::kRequired);
    v.squares("exp_avg_sq", state.exp_avg_sq(), Need::kRequired);
    v.squares("max_exp_avg_sq", state.max_exp_avg_sq(), needed_if(options.amsgrad()));
  }
};

template <typename Options, typename State, bool decoupled>
struct AdamLayout : MomentsLayout<Options, State> {
  template <typename Visitor>
  static void visit_options(Visitor& v, Options& options) {
    AdamLayout::visit_common(v, options);
    v.none("foreach");
    v.off("capturable");
    v.off("differentiable");
    v.none("fused");
    v.fixed("decoupled_weight_decay", decoupled);
  }

  template <typename Visitor>
  static void visit_state(Visitor& v, State& state, const Options& options) {
    v.step("step", state.step());
    AdamLayout::visit_moments(v, state, options);
  }
};

struct ExtraAdamLayout : MomentsLayout<ExtraAdamOptions, ExtraAdamParamState> {
  template <typename Visitor>
  static void visit_options(Visitor& v, Options& options) {
    visit_common(v, options);
  }

  template <typename Visitor>
  static void visit_state(Visitor& v, State& state, const Options& options) {
    v.count("step", state.step());
    visit_moments(v, state, options);
  }
};

struct AdamaxLayout : Layout<AdamaxOptions, AdamaxParamState> {
  template <typename Visitor>
  static void visit_options(Visitor& v, Options& options) {
    v.real("lr", options.lr());
    v.betas("betas", options.betas());
    v.real("eps", options.eps());
    v.real("weight_decay", options.weight_decay(), Zero::kInt);
    v.none("foreach");
    v.maximize();
    v.off("differentiable");
    v.off("capturable");
  }

  template <typename Visitor>
  static void visit_state(Visitor& v, State& state, const Options&) {
    v.step("step", state.step());
    v.tensor("exp_avg", state.exp_avg(), Need::kRequired);
    v.squares("exp_inf", state.exp_inf(), Need::kRequired);
  }
};

struct SparseAdamLayout : Layout<SparseAdamOptions, SparseAdamParamState> {
  template <typename Visitor>
  static void visit_options(Visitor& v, Options& options) {
    v.real("lr", options.lr());
    v.betas("betas", options.betas());
    v.real("eps", options.eps());
    v.maximize();
  }

  template <typename Visitor>
  static void visit_state(Visitor& v, State& state, const Options&) {
    v.count("step", state.step());
    v.tensor("exp_avg", state.exp_avg(), Need::kRequired);
    v.squares("exp_avg_sq", state.exp_avg_sq(), Need::kRequired);
  }
};

struct RMSpropLayout : Layout<torch::optim::RMSpropOptions, torch::optim::RMSpropParamState> {
  template <typename Visitor>
  static void visit_options(Visitor& v, Options& options) {
    v.real("lr", options.lr());
    v.real("momentum", options.momentum(), Zero::kInt);
    v.real("alpha", options.alpha());
    v.real("eps", options.eps());
    v.flag("centered", options.centered());
    v.real("weight_decay", options.weight_decay(), Zero::kInt);
    v.off("capturable");
    v.none("foreach");
    v.maximize();
    v.off("differentiable");
  }

  template <typename Visitor>
  static void visit_state(Visitor& v, State& state, const Options& options) {
    v.step("step", state.step());
    v.squares("square_avg", state.square_avg(), Need::kRequired);
    v.tensor("momentum_buffer", state.momentum_buffer(), needed_if(options.momentum() > 0));
    v.tensor("grad_avg", state.grad_avg(), needed_if(options.centered()));
  }
};

struct AdagradLayout : Layout<torch::optim::AdagradOptions, torch::optim::AdagradParamState> {
  /// LibTorch's constructor makes the states.
  static constexpr bool kAlwaysHasState = true;

  template <typename Visitor>
  static void visit_options(Visitor& v, Options& options) {
    v.real("lr", options.lr());
    v.real("lr_decay", options.lr_decay(), Zero::kInt);
    v.real("eps", options.eps());
    v.real("weight_decay", options.weight_decay(), Zero::kInt);
    v.real("initial_accumulator_value", options.initial_accumulator_value(), Zero::kInt);
    v.none("foreach");
    v.maximize();
    v.off("differentiable");
    v.none("fused");
  }

  template <typename Visitor>
  static void visit_state(Visitor& v, State& state, const Options&) {
    v.step("step", state.step());
    v.squares("sum", state.sum(), Need::kRequired);
  }
};

/// One state, at the first parameter, over the elements of all parameters in a row.
struct LBFGSLayout : Layout<torch::optim::LBFGSOptions, torch::optim::LBFGSParamState> {
  static void check(const Options& options);
  static void check(const State& state, const Options& options);

  template <typename Visitor>
  static void visit_options(Visitor& v, Options& options) {
    v.real("lr", options.lr());
    v.integer("max_iter", options.max_iter());
    v.optional_integer("max_eval", options.max_eval());
    v.real("tolerance_grad", options.tolerance_grad());
    v.real("tolerance_change", options.tolerance_change());
    v.integer("history_size", options.history_size());
    v.optional_text("line_search_fn", options.line_search_fn());
  }

  template <typename Visitor>
  static void visit_state(Visitor& v, State& state, const Options&) {
    v.count("func_evals", state.func_evals());
    v.count("n_iter", state.n_iter());
    v.flat("d", state.d());
    v.optional_real("t", state.t());
    v.flats("old_dirs", state.old_dirs());
    v.flats("old_stps", state.old_stps());
    v.scalars("ro", state.ro());
    v.scalar("H_diag", state.H_diag());
    v.flat("prev_flat_grad", state.prev_flat_grad());
    v.optional_real("prev_loss", state.prev_loss());
    v.optional_scalars("al", state.al());
  }
};

struct NuPILayout : Layout<NuPIOptions, NuPIParamState> {
  static constexpr bool kMayBeEmpty = true;

  template <typename Visitor>
  static void visit_options(Visitor& v, Options& options) {
    v.real("lr", options.lr());
    v.real("weight_decay", options.weight_decay());
    at::Tensor Kp = options.Kp();
    at::Tensor Ki = options.Ki();
    double ema_nu = options.ema_nu();
    v.gain("Kp", Kp);
    v.gain("Ki", Ki);
    v.real("ema_nu", ema_nu);
    v.maximize();
    // After the first step kError is Python's kSGD, whose ξ goes on from there.
    bool keeps_error = options.init_type() == NuPIInitType::kError;
    NuPIInitType init_type = keeps_error ? NuPIInitType::kSGD : options.init_type();
    v.init_type("init_type", init_type);
    v.extra_real("Kd", options.Kd());
    v.extra_flag("use_bias_correction", options.use_bias_correction());
    v.extra_flag("keeps_first_error", keeps_error);
    if (!Visitor::kLoads) return;
    options.Kp(Kp).Ki(Ki).ema_nu(ema_nu);
    options.init_type(keeps_error && init_type == NuPIInitType::kSGD ? NuPIInitType::kError
                                                                     : init_type);
  }

  template <typename Visitor>
  static void visit_state(Visitor& v, State& state, const Options&) {
    v.odd_tensor("xi", state.xi());
    v.mask("needs_error_initialization_mask", state.needs_error_initialization_mask());
    v.squares("xi_weight", state.xi_weight(), Need::kOptional);
    v.squares("derivative", state.derivative(), Need::kOptional);
  }
};

}  // namespace cooper4j::optim
