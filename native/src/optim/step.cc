#include "cooper4j/optim/step.h"

#include <ATen/core/grad_mode.h>

#include <typeinfo>

#include "direct.h"
#include "fused.h"

namespace cooper4j {

void step(torch::optim::Optimizer& optimizer) {
  at::NoGradGuard no_grad;
  if (optim::fused_sgd(optimizer) || optim::fused_adam(optimizer)) return;
  optimizer.step();
}

void project_non_negative(at::TensorList weights) {
  at::NoGradGuard no_grad;
  for (const auto& weight : weights) {
    if (!optim::is_direct(weight)) {
      weight.clamp_min_(0);
      continue;
    }
    optim::with_element_type(weight, [&](auto zero) {
      auto* element = optim::written<decltype(zero)>(weight);
      for (int64_t i = 0, n = weight.numel(); i < n; ++i) {
        if (element[i] < zero) element[i] = zero;
      }
    });
  }
}

}  // namespace cooper4j
