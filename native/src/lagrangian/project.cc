#include "cooper4j/project.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "optim/rows.h"

namespace cooper4j {

void project_gradient_rows(const at::Tensor& weight) {
  c10::NoGradGuard no_grad;
  const at::Tensor& gradient = weight.grad();
  if (!gradient.defined()) {
    return;
  }
  if (!gradient.is_sparse()) {
    weight.relu_();
    return;
  }
  if (optim::has_direct_rows(weight)) {
    optim::with_rows(weight, [](auto& value, auto) {
      if (value < 0) value = 0;
    });
    return;
  }
  const at::Tensor rows = gradient._indices().select(0, 0);
  weight.index_copy_(0, rows, weight.index_select(0, rows).relu_());
}

}  // namespace cooper4j
