#include "optim/fused/fused.h"

#include <sstream>
#include <stdexcept>

namespace cooper4j::optim {

bool lies_like(const at::Tensor& t, const at::Tensor& param) {
  return t.layout() == at::kStrided && t.scalar_type() == param.scalar_type() &&
         t.device() == param.device() && t.sizes() == param.sizes() &&
         t.strides() == param.strides() && !t.is_neg();
}

bool is_fusable(const at::Tensor& param) {
  switch (param.scalar_type()) {
    case at::kFloat:
    case at::kDouble:
    case at::kHalf:
    case at::kBFloat16:
      break;
    default:
      return false;
  }
  return (param.is_cpu() || param.is_cuda()) && param.layout() == at::kStrided &&
         param.is_non_overlapping_and_dense() && !param.is_neg() && lies_like(param.grad(), param);
}

void check_same_device(const at::Tensor& state, const at::Tensor& param) {
  if (!state.defined() || state.device() == param.device()) return;
  std::ostringstream text;
  text << "a parameter is on " << param.device() << ", its optimizer's state on " << state.device()
       << "; move before the first step, or load the optimizer's state after the move";
  throw std::invalid_argument(text.str());
}

}  // namespace cooper4j::optim
