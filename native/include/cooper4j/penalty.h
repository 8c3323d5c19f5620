// Feasibility-driven updates of penalty coefficients.
#pragma once

#include <ATen/core/Tensor.h>

#include <limits>

#include "cooper4j/export.h"

namespace cooper4j {

/// Violated entries become factor * value + summand; satisfied ones return to init with `restart`.
struct PenaltyUpdate {
  double factor = 1.0;      ///< finite, >= 0
  double summand = 0.0;     ///< finite, >= 0
  double tolerance = 1e-4;  ///< a violation above this counts; >= 0
  bool inequality = false;  ///< only the positive part of the violation counts
  bool restart = false;
  /// No entry is raised above it; > 0. One that is above stays as it is.
  double maximum = std::numeric_limits<double>::infinity();
};

/// Updates `value` ([] or [n]) in place from a violation ([] or [m]); a scalar value compares the
/// violation's norm. `indices` (int64 [m]) says which entries were observed; undefined: all of
/// them. Throws std::invalid_argument when an option is none of what it says there, or the shapes
/// do not fit, and std::overflow_error when an entry would grow until it, or its product with the
/// violation, is infinite; nothing was changed then. Never synchronises with a CUDA device: such an
/// entry stays as it is there, and nothing is thrown.
COOPER4J_EXPORT void update_penalty(const at::Tensor& value, const at::Tensor& init,
                                    const at::Tensor& violation, const at::Tensor& indices,
                                    const PenaltyUpdate& update);

}  // namespace cooper4j
