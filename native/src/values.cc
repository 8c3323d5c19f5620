#include "cooper4j/values.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "data_of.h"
#include "optim/direct.h"

namespace cooper4j {
namespace {

/// Of a tensor on the CPU.
void read_near(const at::Tensor& tensor, double* out) {
  if (optim::is_direct_float(tensor)) {
    optim::with_element_type(tensor, [&](auto zero) {
      std::copy_n(data_of<decltype(zero)>(tensor), tensor.numel(), out);
    });
    return;
  }
  const at::Tensor values = tensor.detach().to(at::kDouble).contiguous().resolve_neg();
  if (!values._is_zerotensor()) {
    std::copy_n(data_of<double>(values), values.numel(), out);
  } else {
    std::fill_n(out, values.numel(), 0.0);
  }
}

struct Part {
  at::Tensor tensor;
  double* out;
};

/// Of tensors on one other device.
void read_far(const std::vector<Part>& parts) {
  std::vector<at::Tensor> flat;
  flat.reserve(parts.size());
  for (const Part& part : parts) {
    flat.push_back(part.tensor.detach().to(at::kDouble).reshape(-1));
  }
  const at::Tensor all = at::cat(flat).cpu();
  const double* from = data_of<double>(all);
  for (const Part& part : parts) {
    std::copy_n(from, part.tensor.numel(), part.out);
    from += part.tensor.numel();
  }
}

}  // namespace

void read_values(const std::vector<at::Tensor>& tensors, double* out) {
  c10::NoGradGuard no_grad;
  std::vector<Part> far;
  for (const at::Tensor& tensor : tensors) {
    if (tensor.is_cpu()) {
      read_near(tensor, out);
    } else {
      far.push_back({tensor, out});
    }
    out += tensor.numel();
  }
  while (!far.empty()) {
    const c10::Device device = far.front().tensor.device();
    const auto others = std::stable_partition(
        far.begin(), far.end(), [&](const Part& part) { return part.tensor.device() == device; });
    read_far({far.begin(), others});
    far.erase(far.begin(), others);
  }
}

}  // namespace cooper4j
