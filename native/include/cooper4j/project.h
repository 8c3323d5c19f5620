// What multipliers are brought into after a dual step, in place.
#pragma once

#include <ATen/core/Tensor.h>

#include <limits>

#include "cooper4j/export.h"

namespace cooper4j {

/// Clamps the rows that weight's sparse gradient names, or every entry when the gradient is dense;
/// does nothing without a gradient.
COOPER4J_EXPORT void project_gradient_rows(const at::Tensor& weight);

/// λ ← min(max((1 − leak) λ, lower), upper)
struct MultiplierBounds {
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  double leak = 0;  ///< in [0, 1), of what has a gradient
};

/// Throws std::invalid_argument unless lower < upper and the leak is in [0, 1).
COOPER4J_EXPORT void check_bounds(const MultiplierBounds& bounds);

/// Brings a multiplier into its bounds; with `gradient_rows_only` the rows alone that its sparse
/// gradient names. NaN stays NaN.
COOPER4J_EXPORT void bound(const at::Tensor& weight, const MultiplierBounds& bounds,
                           bool gradient_rows_only);

}  // namespace cooper4j
