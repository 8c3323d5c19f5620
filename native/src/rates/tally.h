// Weighted counts of groups of examples, which the rates of Java's org.cooper4j.rates are made of.
//
// On the CPU they are loops over float32 and float64, elsewhere tensor operations; both give the
// same sums up to their order. Errors are c10::Error.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cooper4j::rates {

/// What an example counts, by its label, 0 or 1: weight * (slope * x + constant) to the numerator,
/// where x in [0, 1] is how far it is predicted positive, and weight * count to the denominator.
struct Tally {
  double slope[2];
  double constant[2];
  double count[2];
};

/// Who is counted.
struct Examples {
  at::Tensor truth;    // float64 [n], 0 or 1; undefined if a tally is the same for both labels
  at::Tensor weights;  // float64 [n]; undefined if all are 1
  at::Tensor groups;   // int64 [n] from 0 to size - 1, or float64 [size, n]; undefined without
  int64_t size = 0;    // of groups
};

/// How x is given.
enum class Input {
  kScores,     // x is 1 where it is positive, 1/2 where it is 0
  kShares,     // x itself, for a value
  kSurrogate,  // x itself, differentiable
};

/// Numerators, denominators and weights: float64 [3, size], or [3] without groups. Of a surrogate
/// differentiable in x, which is floating point [n].
at::Tensor sums(const at::Tensor& x, Input input, const Examples& examples, const Tally& tally);

/// Numerators over denominators, [size] or []; where nobody counts NaN, of a surrogate 0.
at::Tensor quotients(const at::Tensor& x, Input input, const Examples& examples,
                     const Tally& tally, at::ScalarType dtype);

/// Labels as float64; undefined if one is neither 0 nor 1.
at::Tensor binary_labels(const at::Tensor& labels);

/// Codes as int64; undefined if one is not a whole number from 0 to size - 1.
at::Tensor group_codes(const at::Tensor& codes, int64_t size);

bool has_nan(const at::Tensor& scores);

}  // namespace cooper4j::rates
