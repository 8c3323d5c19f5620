// Feasibility-driven updates of penalty coefficients.
#pragma once

#include <ATen/core/Tensor.h>

#include <limits>

#include "cooper4j/export.h"
#include "cooper4j/lagrangian.h"

namespace cooper4j {

/// Violated entries become factor * value + summand; satisfied ones return towards init.
struct PenaltyUpdate {
  double factor = 1.0;      ///< finite, >= 0
  double summand = 0.0;     ///< finite, >= 0
  double tolerance = 1e-4;  ///< a violation above this counts; below 0 every one does
  bool inequality = false;  ///< only the positive part of the violation counts
  double leak = 0.0;        ///< what share of value - init a satisfied entry loses; 1 is a restart
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

/// How the coefficients p of penalty/barrier functions change, of which smaller ones are stricter.
enum class BarrierRule : uint8_t {
  kDiminish,              ///< p ← K p
  kDiminishByMultiplier,  ///< p ← K λ p
  kAdapt,                 ///< p ← K p + (1 − K) p / d with d = φ'(g), times δ if that is above 1
  kAdditiveIncrease,      ///< p ← p + 0.1 where satisfied, K p where violated
  kProportional,          ///< p ← K λ, an augmented Lagrangian in the end
};

struct BarrierUpdate {
  BarrierRule rule = BarrierRule::kAdapt;
  double factor = 0.1;  ///< K, finite, >= 0
  double delta = 1.0;   ///< > 0
  double lower = 0.1;   ///< what p stays in; 0 < lower <= upper
  double upper = 1.0;
  Formulation formulation = Formulation::kQuadraticLogarithmic;  ///< whose φ
};

/// Updates `value` ([n]) in place from the violation ([] or [m]) and the multiplier ([n] or [n, 1])
/// of a penalty/barrier function; `indices` as above. Throws std::invalid_argument when options or
/// shapes do not fit; nothing was changed then. Never synchronises with a CUDA device.
COOPER4J_EXPORT void update_barrier_penalty(const at::Tensor& value, const at::Tensor& multiplier,
                                            const at::Tensor& violation, const at::Tensor& indices,
                                            const BarrierUpdate& update);

}  // namespace cooper4j
