#include "cooper4j/optim/gradients.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <sstream>
#include <stdexcept>

namespace cooper4j {
namespace {

/// The values of all gradients, those of one device and dtype together, as foreach kernels need.
using Groups = std::vector<std::vector<at::Tensor>>;

Groups gradients(const Optimizers& optimizers) {
  Groups groups;
  for (const auto* optimizer : optimizers) {
    for (const auto& group : optimizer->param_groups()) {
      for (const auto& param : group.params()) {
        at::Tensor& grad = param.mutable_grad();
        if (!grad.defined()) continue;
        if (grad.is_sparse() && !grad.is_coalesced()) grad = grad.coalesce();
        const at::Tensor values = grad.is_sparse() ? grad._values() : grad;
        auto found = groups.begin();
        while (found != groups.end() && (found->front().device() != values.device() ||
                                         found->front().scalar_type() != values.scalar_type())) {
          ++found;
        }
        if (found == groups.end()) found = groups.insert(found, std::vector<at::Tensor>());
        found->push_back(values);
      }
    }
  }
  return groups;
}

at::Tensor norm_of(const Groups& groups, double norm_type) {
  if (!(norm_type > 0)) {
    throw std::invalid_argument("norm_type is " + std::to_string(norm_type) +
                                "; expected a number above 0, such as 2");
  }
  if (groups.empty()) return at::zeros({});
  std::vector<at::Tensor> norms;
  for (const auto& group : groups) {
    for (const at::Tensor& norm : at::_foreach_norm(group, norm_type)) {
      norms.push_back(norm.to(groups.front().front().device()));
    }
  }
  return at::linalg_vector_norm(at::stack(norms), norm_type);
}

}  // namespace

std::vector<at::Tensor> parameters(const Optimizers& optimizers) {
  std::vector<at::Tensor> all;
  for (const auto* optimizer : optimizers) {
    for (const auto& group : optimizer->param_groups()) {
      all.insert(all.end(), group.params().begin(), group.params().end());
    }
  }
  return all;
}

at::Tensor grad_norm(const Optimizers& optimizers, double norm_type) {
  c10::NoGradGuard no_grad;
  return norm_of(gradients(optimizers), norm_type);
}

at::Tensor clip_grad_norm(const Optimizers& optimizers, double max_norm, double norm_type,
                          bool error_if_nonfinite) {
  c10::NoGradGuard no_grad;
  if (!(max_norm >= 0)) {
    throw std::invalid_argument("max_norm is " + std::to_string(max_norm) +
                                "; expected a number of at least 0");
  }
  const Groups groups = gradients(optimizers);
  at::Tensor norm = norm_of(groups, norm_type);
  if (error_if_nonfinite && !std::isfinite(norm.item<double>())) {
    std::ostringstream text;
    text << "the norm of order " << norm_type
         << " of the gradients is NaN or infinite, so that they cannot be clipped to it";
    throw std::invalid_argument(text.str());
  }
  const at::Tensor scale = at::clamp_max(max_norm / (norm + 1e-6), 1.0);
  for (const auto& group : groups) at::_foreach_mul_(group, scale.to(group.front().device()));
  return norm;
}

void clip_grad_value(const Optimizers& optimizers, double clip_value) {
  c10::NoGradGuard no_grad;
  if (!(clip_value >= 0)) {
    throw std::invalid_argument("clip_value is " + std::to_string(clip_value) +
                                "; expected a number of at least 0");
  }
  for (const auto& group : gradients(optimizers)) {
    at::_foreach_clamp_min_(group, -clip_value);
    at::_foreach_clamp_max_(group, clip_value);
  }
}

void scale_grad(const Optimizers& optimizers, double factor) {
  c10::NoGradGuard no_grad;
  if (!std::isfinite(factor)) {
    throw std::invalid_argument("the factor is " + std::to_string(factor) +
                                "; expected a finite number");
  }
  for (const auto& group : gradients(optimizers)) at::_foreach_mul_(group, factor);
}

}  // namespace cooper4j
