// What LBFGS's step() relies on without a look.
#include <stdexcept>
#include <string>

#include "optim/state/layouts.h"

namespace cooper4j::optim {
namespace {

constexpr int64_t kMaxHistory = 1'000'000;  // step() allocates as many entries

[[noreturn]] void refuse_length(const char* key, const std::string& expected, size_t found) {
  throw std::invalid_argument(std::string(key) + ": expected " + expected + ", found " +
                              std::to_string(found));
}

}  // namespace

void LBFGSLayout::check(const Options& options) {
  if (options.history_size() >= 1 && options.history_size() <= kMaxHistory) return;
  throw std::invalid_argument("history_size: expected an int from 1 to " +
                              std::to_string(kMaxHistory) + ", found " +
                              std::to_string(options.history_size()));
}

void LBFGSLayout::check(const State& state, const Options& options) {
  const auto history = static_cast<size_t>(options.history_size());
  const size_t steps = state.old_dirs().size();
  if (steps > history) {
    refuse_length("old_dirs", "at most history_size = " + std::to_string(history) + " directions",
                  steps);
  }
  const std::string as_many = std::to_string(steps) + " entries, as many as old_dirs has";
  if (state.old_stps().size() != steps) {
    refuse_length("old_stps", as_many, state.old_stps().size());
  }
  if (state.ro().size() != steps) refuse_length("ro", as_many, state.ro().size());
  if (state.al() && state.al()->size() != history) {
    refuse_length("al", "history_size = " + std::to_string(history) + " entries",
                  state.al()->size());
  }
  if (state.n_iter() == 0) return;
  for (const auto& [key, value] : {std::pair("d", state.d()), std::pair("H_diag", state.H_diag()),
                                   std::pair("prev_flat_grad", state.prev_flat_grad())}) {
    if (value.defined()) continue;
    throw std::invalid_argument(std::string(key) + ": expected a tensor, since n_iter is " +
                                std::to_string(state.n_iter()) + ", found nothing");
  }
}

}  // namespace cooper4j::optim
