#include "optim/fused/fused.h"

#include <sstream>
#include <stdexcept>

#include "optim/direct.h"

namespace cooper4j::optim {

bool lies_like(const at::Tensor& t, const at::Tensor& param) {
  return t.layout() == at::kStrided && t.scalar_type() == param.scalar_type() &&
         t.device() == param.device() && t.sizes() == param.sizes() &&
         t.strides() == param.strides() && holds_its_values(t);
}

bool is_fusable(const at::Tensor& param) {
  // With fewer digits the kernels, which compute in float32, round at other places than step()
  // does, and on the CPU that of SGD stores no full vector (pytorch#191763).
  if (param.scalar_type() != at::kFloat && param.scalar_type() != at::kDouble) return false;
  return (param.is_cpu() || param.is_cuda()) && param.layout() == at::kStrided &&
         param.is_non_overlapping_and_dense() && holds_its_values(param) &&
         lies_like(param.grad(), param);
}

void bump_versions(at::TensorList tensors) {
  for (const auto& tensor : tensors) bump_version(tensor);
}

void check_same_device(const at::Tensor& state, const at::Tensor& param) {
  if (!state.defined() || state.device() == param.device()) return;
  std::ostringstream text;
  text << "a parameter is on " << param.device() << ", its optimizer's state on " << state.device()
       << "; move before the first step, or load the optimizer's state after the move";
  throw std::invalid_argument(text.str());
}

}  // namespace cooper4j::optim
