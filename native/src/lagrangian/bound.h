// The violation of a bound.
#pragma once

#include <ATen/core/Tensor.h>

namespace cooper4j {

/// value - bound, or bound - value: what at::sub and at::rsub give, with their graph.
at::Tensor above(const at::Tensor& value, double bound);
at::Tensor below(const at::Tensor& value, double bound);

}  // namespace cooper4j
