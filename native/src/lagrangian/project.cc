#include "cooper4j/project.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <sstream>
#include <stdexcept>

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

void check_bounds(const MultiplierBounds& bounds) {
  std::ostringstream text;
  if (!(bounds.lower < bounds.upper)) {
    text << "multiplier bounds are [" << bounds.lower << ", " << bounds.upper
         << "]; the lower one must be below the upper one";
  } else if (!(bounds.leak >= 0 && bounds.leak < 1)) {
    text << "leak is " << bounds.leak << "; it must be in [0, 1)";
  } else {
    return;
  }
  throw std::invalid_argument(text.str());
}

void bound(const at::Tensor& weight, const MultiplierBounds& bounds, bool gradient_rows_only) {
  c10::NoGradGuard no_grad;
  const at::Tensor& gradient = weight.grad();
  const bool sparse = gradient.defined() && gradient.is_sparse();
  const bool leaks = bounds.leak != 0 && gradient.defined();
  if (leaks && !sparse) weight.mul_(1 - bounds.leak);
  if (sparse && (leaks || gradient_rows_only)) {
    // Read before written: a row may be named twice.
    const at::Tensor rows = gradient._indices().select(0, 0);
    at::Tensor values = weight.index_select(0, rows);
    if (leaks) values.mul_(1 - bounds.leak);
    weight.index_copy_(0, rows, values.clamp_(bounds.lower, bounds.upper));
  }
  if (!gradient_rows_only || (gradient.defined() && !sparse)) {
    weight.clamp_(bounds.lower, bounds.upper);
  }
}

}  // namespace cooper4j
