// The penalty/barrier functions φ of Ben-Tal and Zibulevsky ("Penalty/Barrier Multiplier Methods for
// Convex Programming Problems", SIAM J. Optim. 1997): φ(0) = 0, φ'(0) = 1, a quadratic from some
// point on, so that points that are far from feasible have a value, and before that a barrier.
//
//   quadratic-logarithmic   t + t²/2 for t >= −1/2,  −log(−2t)/4 − 3/8     before
//   quadratic-reciprocal    t + t²/2 for t >= −1/3,  (32/27)/(1 − t) − 7/6 before
#pragma once

#include <ATen/ATen.h>

#include "cooper4j/lagrangian.h"

namespace cooper4j {

inline bool is_barrier(Formulation formulation) {
  return formulation == Formulation::kQuadraticLogarithmic ||
         formulation == Formulation::kQuadraticReciprocal;
}

/// φ, differentiable; each branch is computed where it holds, for the other's gradient may be NaN.
inline at::Tensor barrier(Formulation formulation, const at::Tensor& t) {
  const bool logarithmic = formulation == Formulation::kQuadraticLogarithmic;
  const double from = logarithmic ? -0.5 : -1.0 / 3;
  const at::Tensor far = t.clamp_max(from);
  return at::where(t >= from, t + 0.5 * t.square(),
                   logarithmic ? -0.25 * at::log(-2 * far) - 3.0 / 8
                               : (32.0 / 27) / (1 - far) - 7.0 / 6);
}

/// φ'
inline at::Tensor barrier_slope(Formulation formulation, const at::Tensor& t) {
  const bool logarithmic = formulation == Formulation::kQuadraticLogarithmic;
  return logarithmic
             ? at::where(t >= -0.5, 1 + t, -0.25 / t.clamp_max(-0.5))
             : at::where(t >= -1.0 / 3, 1 + t, (32.0 / 27) / (1 - t.clamp_max(0)).square());
}

template <typename T>
T barrier_slope(Formulation formulation, T t) {
  if (formulation == Formulation::kQuadraticLogarithmic) {
    return t >= T(-0.5) ? 1 + t : T(-0.25) / t;
  }
  return t >= T(-1.0 / 3) ? 1 + t : T(32.0 / 27) / ((1 - t) * (1 - t));
}

}  // namespace cooper4j
