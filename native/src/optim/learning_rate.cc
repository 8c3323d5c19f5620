#include <cmath>
#include <stdexcept>
#include <string>

#include "cooper4j/optim/step.h"
#include "optim/arguments.h"

namespace cooper4j {
namespace {

void check_group(const torch::optim::Optimizer& optimizer, size_t group) {
  const size_t groups = optimizer.param_groups().size();
  if (group < groups) return;
  throw std::invalid_argument("parameter group " + std::to_string(group) +
                              " was asked for, but the optimizer has " + std::to_string(groups));
}

}  // namespace

double lr(const torch::optim::Optimizer& optimizer, size_t group) {
  check_group(optimizer, group);
  return optimizer.param_groups()[group].options().get_lr();
}

void set_lr(torch::optim::Optimizer& optimizer, size_t group, double lr) {
  check_group(optimizer, group);
  if (!std::isfinite(lr)) optim::refuse("set_lr", "the learning rate", "finite", lr);
  optimizer.param_groups()[group].options().set_lr(lr);
}

}  // namespace cooper4j
