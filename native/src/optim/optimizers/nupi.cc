#include "cooper4j/optim/nupi.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/SmallVector.h>

#include <algorithm>
#include <numeric>

#include "data_of.h"
#include "optim/arguments.h"
#include "optim/direct.h"
#include "optim/optimizers/merged.h"
#include "optim/optimizers/nupi_gains.h"
#include "optim/rows.h"

namespace cooper4j {
namespace {

using torch::optim::OptimizerParamGroup;

const NuPIOptions& options_of(const OptimizerParamGroup& group) {
  return static_cast<const NuPIOptions&>(group.options());
}

void warn_about(const NuPIOptions& options) {
  if (options.Kp().lt(0).any().item<bool>()) {
    TORCH_WARN("NuPI: Kp has a negative element");
  }
  if (options.Ki().lt(0).any().item<bool>()) {
    TORCH_WARN("NuPI: Ki has a negative element");
  }
  const NuPIGains& gains = options.gains();
  if (!gains.Kp.any && !gains.Ki.any) {
    TORCH_WARN("NuPI: all gains are zero, no step moves anything");
  }
  if (options.ema_nu() < 0) {
    TORCH_WARN("NuPI: ema_nu is negative: ", options.ema_nu());
  }
}

/// What one element's step needs besides the error, by a number each.
template <typename T>
struct Controller {
  explicit Controller(const NuPIOptions& options)
      : zeros(options.init_type() == NuPIInitType::kZeros),
        keeps_error(options.init_type() == NuPIInitType::kError),
        nu(static_cast<T>(options.ema_nu())),
        rest(static_cast<T>(1 - options.ema_nu())),
        Kp(static_cast<T>(options.gains().Kp.number)),
        Ki(static_cast<T>(options.gains().Ki.number)),
        Kd(static_cast<T>(options.Kd())),
        on_error(static_cast<T>(options.gains().error.number)),
        on_previous(static_cast<T>(options.gains().previous.number)),
        decay(static_cast<T>(options.weight_decay())),
        rate(static_cast<T>(-options.lr())) {}

  /// The update without decay; advances the element's memory, whose parts may be null. Of a `fresh`
  /// element nothing was seen; `folds`: whether its first error goes into ξ, which Cooper's dense
  /// steps leave out.
  T operator()(T error, T* xi, T* weight, T* derivative, bool fresh, bool folds) const {
    if (xi == nullptr) return (zeros ? on_error : Ki) * error;
    const T before = *xi;
    if (zeros || folds || !fresh) *xi = nu * before + rest * error;
    if (fresh && keeps_error && weight == nullptr) *xi = error;
    T change = *xi - before;
    if (weight != nullptr) {
      const T now = nu * *weight + rest;
      change = *xi / now - (*weight > 0 ? before / *weight : T(0));
      *weight = now;
    }
    if (fresh && !zeros) change = 0;
    T update;
    if (weight != nullptr) {
      update = Ki * error + Kp * change;
    } else if (zeros) {
      update = on_error * error - on_previous * before;
    } else {
      update = fresh ? Ki * error : Ki * error + rest * (error - before) * Kp;
    }
    if (derivative != nullptr) {
      const T growth = change < 0 ? -change : T(0);
      update -= Kd * (growth - *derivative);
      *derivative = growth;
    }
    return update;
  }

  bool zeros;
  bool keeps_error;
  T nu, rest, Kp, Ki, Kd, on_error, on_previous, decay, rate;
};

/// The memory of the elements that a step is of, those of a table's rows as copies.
struct Memory {
  at::Tensor xi, weight, derivative;
  at::Tensor fresh;  ///< bool; undefined: all_fresh says it
  bool all_fresh = false;
  bool folds = false;
};

/// The controller over whole tensors, whatever the gains; advances what `memory` has.
at::Tensor update_of(const at::Tensor& error, Memory& memory, const Gain& Kp, const Gain& Ki,
                     const Gain& on_error, const Gain& on_previous, const NuPIOptions& options) {
  const bool zeros = options.init_type() == NuPIInitType::kZeros;
  const double nu = options.ema_nu();
  const bool corrects = memory.weight.defined();
  const Gain& gain = zeros && !corrects ? on_error : Ki;
  at::Tensor update = gain.any ? gain.times(error) : at::zeros_like(error);
  if (!memory.xi.defined()) return update;
  const auto unless_fresh = [&](const at::Tensor& value, const at::Tensor& otherwise) {
    if (memory.fresh.defined()) return at::where(memory.fresh, otherwise, value);
    return memory.all_fresh ? otherwise : value;
  };
  const at::Tensor before = memory.xi;
  const at::Tensor zero = at::zeros_like(error);
  at::Tensor after = before.mul(nu).add_(error, 1 - nu);
  if (!zeros && !memory.folds) after = unless_fresh(after, before);
  if (options.init_type() == NuPIInitType::kError && !corrects) after = unless_fresh(after, error);
  at::Tensor change = after - before;
  if (corrects) {
    const at::Tensor now = memory.weight.mul(nu).add_(1 - nu);
    change = after / now - at::where(memory.weight > 0, before / memory.weight, zero);
    memory.weight = now;
  }
  if (!zeros) change = unless_fresh(change, zero);
  if (corrects) {
    update = update.add(Kp.times(change));
  } else if (zeros) {
    update = update.sub(on_previous.times(before));
  } else {
    update = update.add(Kp.times(unless_fresh(error.sub(before).mul_(1 - nu), zero)));
  }
  memory.xi = after;
  if (memory.derivative.defined()) {
    const at::Tensor growth = change.neg().relu();
    update = update.sub(growth.sub(memory.derivative), options.Kd());
    memory.derivative = growth;
  }
  return update;
}

bool is_direct(const at::Tensor& t, const at::Tensor& like) {
  return !t.defined() || optim::is_direct(t, like.scalar_type());
}

/// What a step uses of a state, made where it is missing; `all_fresh`: ξ was.
Memory prepare(const at::Tensor& param, NuPIParamState& state, const NuPIOptions& options) {
  Memory memory;
  const NuPIGains& gains = options.gains(param.device());
  if (!gains.previous.any && options.Kd() == 0) return memory;
  memory.all_fresh = !state.xi().defined();
  if (memory.all_fresh) state.xi(at::zeros_like(param));
  memory.xi = state.xi();
  if (options.use_bias_correction()) {
    // Of a run that went on without: its errors count in full.
    if (!state.xi_weight().defined()) {
      state.xi_weight(memory.all_fresh ? at::zeros_like(param) : at::ones_like(param));
    }
    memory.weight = state.xi_weight();
  }
  if (options.Kd() != 0) {
    if (!state.derivative().defined()) state.derivative(at::zeros_like(param));
    memory.derivative = state.derivative();
  }
  return memory;
}

/// Where to write a part of the memory, null where there is none.
template <typename T>
T* memory_of(const at::Tensor& t) {
  return t.defined() ? optim::written<T>(t) : nullptr;
}

void dense_step(const at::Tensor& param, NuPIParamState& state, const NuPIOptions& options) {
  const NuPIGains& gains = options.gains(param.device());
  Memory memory = prepare(param, state, options);
  memory.folds = options.init_type() == NuPIInitType::kError || options.use_bias_correction();
  const bool fresh = memory.all_fresh;
  const at::Tensor& gradient = param.grad();

  if (gains.scalar() && optim::is_direct(param) && is_direct(gradient, param) &&
      is_direct(memory.xi, param) && is_direct(memory.weight, param) &&
      is_direct(memory.derivative, param)) {
    optim::with_element_type(param, [&](auto zero) {
      using T = decltype(zero);
      const Controller<T> controller(options);
      const T* error = data_of<T>(gradient);
      T* xi = memory_of<T>(memory.xi);
      T* weight = memory_of<T>(memory.weight);
      T* derivative = memory_of<T>(memory.derivative);
      T* theta = optim::written<T>(param);
      for (int64_t i = 0, n = param.numel(); i < n; ++i) {
        T update = controller(error[i], xi ? xi + i : nullptr, weight ? weight + i : nullptr,
                              derivative ? derivative + i : nullptr, fresh, memory.folds);
        if (controller.decay != 0) update += controller.decay * theta[i];
        theta[i] += controller.rate * update;
      }
    });
    return;
  }
  at::Tensor update =
      update_of(gradient, memory, gains.Kp, gains.Ki, gains.error, gains.previous, options);
  if (options.weight_decay() != 0) update = update.add(param, options.weight_decay());
  param.add_(update, -options.lr());
  if (memory.xi.defined()) state.xi().copy_(memory.xi);
  if (memory.weight.defined()) state.xi_weight().copy_(memory.weight);
  if (memory.derivative.defined()) state.derivative().copy_(memory.derivative);
}

/// An order in which equal rows follow each other.
struct SortedRows {
  c10::SmallVector<int64_t, 128> order;

  SortedRows(const int64_t* rows, int64_t n) : order(n) {
    std::iota(order.begin(), order.end(), 0);
    if (!std::is_sorted(rows, rows + n)) {
      std::stable_sort(order.begin(), order.end(),
                       [rows](int64_t a, int64_t b) { return rows[a] < rows[b]; });
    }
  }
};

/// The rows in place: an ATen call for each part would cost more than a batch of them.
bool direct_sparse_step(const at::Tensor& param, NuPIParamState& state, const Memory& memory,
                        const NuPIOptions& options) {
  const at::Tensor& mask = state.needs_error_initialization_mask();
  const auto lies_there = [&param](const at::Tensor& t) {
    return !t.defined() || (optim::is_direct_float(t) && t.scalar_type() == param.scalar_type() &&
                            t.numel() == param.numel());
  };
  const bool masked = mask.defined();
  if (!options.gains().scalar() || !optim::has_direct_rows(param) || !lies_there(memory.xi) ||
      !lies_there(memory.weight) || !lies_there(memory.derivative) ||
      (masked && (!optim::is_direct(mask, at::kBool) || mask.numel() != param.numel()))) {
    return false;
  }
  const at::Tensor indices = param.grad()._indices();
  const at::Tensor values = param.grad()._values();
  if (indices.numel() > optim::kDirectNumel) return false;
  const int64_t width = values.numel() / indices.numel();
  optim::with_element_type(param, [&](auto zero) {
    using T = decltype(zero);
    const Controller<T> controller(options);
    const int64_t* rows = data_of<int64_t>(indices);
    const int64_t n = indices.numel();
    const SortedRows sorted(rows, n);
    const T* errors = data_of<T>(values);
    T* xi = memory_of<T>(memory.xi);
    T* weight = memory_of<T>(memory.weight);
    T* derivative = memory_of<T>(memory.derivative);
    bool* fresh = masked ? optim::written<bool>(mask) : nullptr;
    T* theta = optim::written<T>(param);
    for (int64_t first = 0, next = 0; first < n; first = next) {
      const int64_t row = rows[sorted.order[first]];
      for (next = first; next < n && rows[sorted.order[next]] == row;) ++next;
      for (int64_t j = 0; j < width; ++j) {
        // The update is not linear in the gradient: a row's gradients are summed first.
        T error = 0;
        for (int64_t k = first; k < next; ++k) error += errors[sorted.order[k] * width + j];
        const int64_t at = row * width + j;
        const bool is_fresh = fresh != nullptr && fresh[at];
        T update = controller(error, xi ? xi + at : nullptr, weight ? weight + at : nullptr,
                              derivative ? derivative + at : nullptr, is_fresh, true);
        if (controller.decay != 0) update += controller.decay * theta[at];
        theta[at] += controller.rate * update;
        if (fresh != nullptr) fresh[at] = false;
      }
    }
  });
  return true;
}

void sparse_step(const at::Tensor& param, NuPIParamState& state, const NuPIOptions& options) {
  if (param.grad()._values().numel() == 0) return;
  const NuPIGains& gains = options.gains(param.device());
  const bool zeros = options.init_type() == NuPIInitType::kZeros;
  Memory memory = prepare(param, state, options);
  memory.folds = true;
  if (memory.all_fresh && !zeros) {
    state.needs_error_initialization_mask(at::ones_like(param, param.options().dtype(at::kBool)));
  }
  memory.all_fresh = false;
  if (direct_sparse_step(param, state, memory, options)) return;

  // The update is not linear in the gradient: a row's gradients are summed first.
  const optim::MergedRows merged(param.grad());
  const at::Tensor& rows = merged.rows;
  // Without a mask, dense gradients have initialised every row.
  const at::Tensor& mask = state.needs_error_initialization_mask();
  if (!zeros && mask.defined() && memory.xi.defined()) memory.fresh = mask.index_select(0, rows);
  const auto rows_of = [&rows](at::Tensor& t) {
    if (t.defined()) t = t.index_select(0, rows);
  };
  rows_of(memory.xi);
  rows_of(memory.weight);
  rows_of(memory.derivative);
  at::Tensor update = update_of(merged.values, memory, gains.Kp.rows(rows), gains.Ki.rows(rows),
                                gains.error.rows(rows), gains.previous.rows(rows), options);
  if (memory.xi.defined()) state.xi().index_copy_(0, rows, memory.xi);
  if (memory.weight.defined()) state.xi_weight().index_copy_(0, rows, memory.weight);
  if (memory.derivative.defined()) state.derivative().index_copy_(0, rows, memory.derivative);
  if (memory.fresh.defined()) mask.index_fill_(0, rows, false);
  const at::Tensor before = param.index_select(0, rows);
  if (options.weight_decay() != 0) update = update.add(before, options.weight_decay());
  param.index_copy_(0, rows, before.add(update.to(param.scalar_type()), -options.lr()));
}

}  // namespace

NuPI::NuPI(const std::vector<OptimizerParamGroup>& param_groups, const NuPIOptions& defaults)
    : Optimizer(param_groups, std::make_unique<NuPIOptions>(defaults)) {
  optim::keep_options(param_groups_, param_groups);
  check_nupi(defaults, {});
  for (const auto& group : param_groups_) {
    check_nupi(options_of(group), group.params());
    warn_about(options_of(group));
  }
}

NuPI::NuPI(std::vector<at::Tensor> params, const NuPIOptions& defaults)
    : NuPI({OptimizerParamGroup(std::move(params))}, defaults) {}

void NuPI::check_gradients() const {
  for (const auto& group : param_groups_) {
    if (!options_of(group).gains().scalar()) check_gains(options_of(group), group.params());
    for (const auto& param : group.params()) {
      const at::Tensor& gradient = param.grad();
      if (!gradient.defined() || !gradient.is_sparse() || gradient.sparse_dim() == 1) continue;
      throw std::invalid_argument(
          "NuPI: expected a sparse gradient with one sparse dimension, the row, got " +
          std::to_string(gradient.sparse_dim()));
    }
  }
}

at::Tensor NuPI::step(LossClosure closure) {
  at::NoGradGuard no_grad;
  at::Tensor loss = optim::evaluate(closure);
  check_gradients();
  for (const auto& group : param_groups_) {
    const NuPIOptions& options = options_of(group);
    for (const auto& param : group.params()) {
      if (!param.grad().defined()) continue;
      auto& slot = state_[param.unsafeGetTensorImpl()];
      if (!slot) slot = std::make_unique<NuPIParamState>();
      auto& state = static_cast<NuPIParamState&>(*slot);
      if (param.grad().is_sparse()) {
        sparse_step(param, state, options);
      } else {
        dense_step(param, state, options);
      }
    }
  }
  return loss;
}

}  // namespace cooper4j
