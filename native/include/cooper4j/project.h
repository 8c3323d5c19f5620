// Projection of inequality multipliers onto λ >= 0, in place.
#pragma once

#include <ATen/core/Tensor.h>

#include "cooper4j/export.h"

namespace cooper4j {

/// Clamps the rows that weight's sparse gradient names, or every entry when the gradient is dense;
/// does nothing without a gradient.
COOPER4J_EXPORT void project_gradient_rows(const at::Tensor& weight);

}  // namespace cooper4j
