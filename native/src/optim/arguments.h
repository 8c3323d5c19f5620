// What every optimizer's options must satisfy, with one way to say so.
#pragma once

#include <ATen/core/grad_mode.h>
#include <torch/optim/optimizer.h>

#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace cooper4j::optim {

[[noreturn]] inline void refuse(const std::string& optimizer, const std::string& option,
                                const std::string& expected, double got) {
  std::ostringstream message;
  message << optimizer << ": " << option << " must be " << expected << ", got " << got;
  throw std::invalid_argument(message.str());
}

inline void check_not_negative(const std::string& optimizer, const std::string& option,
                               double value) {
  if (value < 0 || !std::isfinite(value)) {
    refuse(optimizer, option, "finite and at least 0", value);
  }
}

inline void check_beta(const std::string& optimizer, const std::string& option, double beta) {
  if (!(beta >= 0 && beta < 1)) refuse(optimizer, option, "in [0, 1)", beta);
}

/// The loss of a step that is given a closure; undefined without one.
inline at::Tensor evaluate(const torch::optim::Optimizer::LossClosure& closure) {
  if (closure == nullptr) return {};
  at::AutoGradMode enable_grad(true);
  return closure();
}

/// Groups have the options that they were given, in full. LibTorch 2.13 takes what equals its
/// class's default for not given and puts the optimizer's there, or those of an optimizer not its
/// own whole.
inline void keep_options(std::vector<torch::optim::OptimizerParamGroup>& groups,
                         const std::vector<torch::optim::OptimizerParamGroup>& given) {
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i].has_options()) groups[i].set_options(given[i].options().clone());
  }
}

}  // namespace cooper4j::optim
