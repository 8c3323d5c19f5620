#include "problem/check.h"

#include <ATen/ATen.h>

#include <stdexcept>

namespace cooper4j::problem {

void require_floating_point(const at::Tensor& tensor, const char* what) {
  if (!tensor.defined() || !tensor.is_floating_point()) {
    throw std::invalid_argument(std::string(what) + " has dtype " +
                                (tensor.defined() ? c10::toString(tensor.scalar_type()) : "none") +
                                "; expected a floating point tensor");
  }
}

void require_finite(const at::Tensor& values, const char* what) {
  if (!values.detach().isfinite().all().item<bool>()) {
    throw std::invalid_argument(std::string(what) + " has a NaN or infinite entry");
  }
}

void require_non_negative(const at::Tensor& values, const char* what) {
  require_finite(values, what);
  if (values.detach().lt(0).any().item<bool>()) {
    throw std::invalid_argument(std::string(what) + " has a negative entry; all must be >= 0");
  }
}

}  // namespace cooper4j::problem
